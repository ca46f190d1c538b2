#!/bin/bash
# What a host of the floor does at first boot: its volume, its service, and on one of them the
# message. The image's unit for user data runs it.
#
# Inputs: /bench/: settings (shell variables), config, logging, archives, message.sh.
# Idempotence: none; a host of the floor boots once.
set -euo pipefail
exec >/bench/log 2>&1
trap 'touch /bench/failed' ERR
# shellcheck source=/dev/null
. /bench/settings

stage() {
  echo "$1 $EPOCHREALTIME" >>/bench/stages
}

volume() {
  mkfs.ext4 -q -m 1 /dev/nvme1n1
  mkdir -p /data
  mount -o noatime /dev/nvme1n1 /data
}

# The checksum is made and the archive unpacked while it comes in; it is nowhere written down.
release() {
  local url expected
  while read -r url expected; do
    curl -fsI -o /dev/null "$url" || continue
    curl -fsS "$url" | tee >(sha512sum >/bench/sum) | tar -x -C /usr/local --no-same-owner
    until [ -s /bench/sum ]; do
      sleep 0.01
    done
    [ "$(cut -d ' ' -f 1 /bench/sum)" = "$expected" ]
    return
  done </bench/archives
  return 1
}

stage booted
volume &
release
stage unpacked
ln -s "$DIRECTORY" "/usr/local/$SERVICE_USER"
useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$SERVICE_USER"
cp /bench/config "/usr/local/$DIRECTORY/$CONFIG_FILE"
cp /bench/logging "/usr/local/$DIRECTORY/$LOGGING_FILE"
wait $!
install -d -m 0750 -o "$SERVICE_USER" -g "$SERVICE_USER" "$DATA"
if [ -n "$MYID" ]; then
  echo "$MYID" >"$DATA/myid"
fi
ln -s "/etc/systemd/system/$SERVICE.service" /etc/systemd/system/multi-user.target.wants/
systemctl start --no-block "$SERVICE"
stage started
if [ "$LAST" = yes ]; then
  /bench/message.sh whole
  stage whole
  /bench/message.sh send
  stage message
  touch /bench/passed
fi
