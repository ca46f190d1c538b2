#!/bin/bash
# The first boot of a host of floor.sh: mounts its volume and starts its service. One host also sends the
# message. The image's unit for user data runs this script.
#
# Inputs: /bench/: settings (shell variables), config, logging, archives, message.sh.
# Idempotence: none; such a host boots only once.
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

# Verifies and unpacks the archive during the download, without storing it.
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
