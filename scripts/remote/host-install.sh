#!/bin/bash
# The parts of every installation on a lab host: the end of the first boot, a release of Kafka or ZooKeeper,
# and the size limit of the journal. Comes after packages.sh and download.sh.
#
# Inputs: DIRECTORY (release), LINK (of the release that is used); SERVICE (the unit that runs the release;
#   unset if there is none); FIRST_BOOT_SECONDS (how long user data may take, including its own waits);
#   ARCHIVES (one "URL SHA-512" per line, in the order to try; the script skips an archive that its server
#   does not deliver).
# Idempotent: does not change existing parts. A release gets its final name only when it is complete.

FIRST_BOOT=/var/lib/kafkalab/user-data

# first_boot_done: whether user data is complete, or can no longer complete. cloud-init records the run of
# user data before it begins, and records the end of each boot.
first_boot_done() {
  [[ ! -e $FIRST_BOOT-done ]] || return 0
  SEEN="the log $(tail -n 3 "$FIRST_BOOT.log" 2>&1)"
  [[ -e /var/lib/cloud/instance/boot-finished ]]
}

# complete_first_boot: runs user data again if it was interrupted, for example by a power failure, or if
# the volume was attached too late.
complete_first_boot() {
  local script
  wait_until "$FIRST_BOOT_SECONDS" "first boot not done" "$FIRST_BOOT.log" first_boot_done
  [[ ! -e $FIRST_BOOT-done ]] || return 0
  say "first boot is incomplete; running user data again"
  for script in /var/lib/cloud/instance/scripts/*; do
    "$script" 9>&- || fail "first boot has failed; last saw the log $(tail -n 3 "$FIRST_BOOT.log" 2>&1); logs: $FIRST_BOOT.log"
  done
}

# install_release: downloads the release and unpacks it below /usr/local. Does not touch the link.
install_release() {
  local release=/usr/local/$DIRECTORY url expected tried=""
  if [[ -d $release ]]; then
    [[ ! -e $release/.whole ]] || return 0
    # The host lost power before the release was completely on the disk. Install it and its configuration again.
    if [[ -n ${SERVICE-} && $(readlink "$LINK") == "$DIRECTORY" ]]; then
      ! systemctl is-active --quiet "$SERVICE" || return 0
      rm -f "/etc/kafkalab/$SERVICE.content"
    fi
    rm -rf "$release"
  fi
  # Leftovers of an interrupted run.
  rm -rf /usr/local/.kafkalab-"${LINK##*/}".*
  WORK=$(mktemp -d "/usr/local/.kafkalab-${LINK##*/}.XXXXXX")
  trap 'rm -rf "$WORK"' EXIT
  while read -r url expected; do
    if ! download "$url" "$expected"; then
      # A server may have only one of the two forms of an archive.
      [[ $SEEN == *" 404" ]] || say "archive ${url##*/} not fetched from $url: $SEEN"
      tried="$tried; $url: $SEEN"
      continue
    fi
    tar -xf "$ARCHIVE" -C "$WORK" --no-same-owner
    [[ -d $WORK/$DIRECTORY ]] || fail "archive ${url##*/} from $url holds no directory $DIRECTORY"
    # The launchers create this directory if it is missing, which fails for the login user.
    mkdir -p "$WORK/$DIRECTORY/logs"
    mv -T "$WORK/$DIRECTORY" "$release"
    rm -rf "$WORK" "$PARTIAL"
    say "installed $DIRECTORY from ${url##*/}"
    return
  done <<<"$ARCHIVES"
  fail "no archive of $DIRECTORY is available${tried}. Run up again to continue, or set kafkalab:archiveUrl to a server that has one of them."
}

# keep_release: syncs the release to the disk and records that. This takes longer than a start of the service.
keep_release() {
  [[ ! -e /usr/local/$DIRECTORY/.whole ]] || return 0
  sync -f "/usr/local/$DIRECTORY"
  touch "/usr/local/$DIRECTORY/.whole"
}

# bound_journal: limits the journal, the only log of the services. The name of the file sorts after the
# image's own files, so it overrides them.
bound_journal() {
  local settings=/etc/systemd/journald.conf.d/zz-kafkalab.conf
  local bound=$'[Journal]\nSystemMaxUse=128M\nSystemMaxFileSize=16M'
  same "$settings" "$bound" && return
  mkdir -p "${settings%/*}"
  put "$settings" "$bound"
  systemctl --no-block restart systemd-journald
}
