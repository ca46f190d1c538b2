#!/bin/bash
# Installs a service on this host: the commands that it needs, its user, its release, kernel settings and
# the size limit of the journal. Comes after service.sh, packages.sh and download.sh.
#
# Inputs: those of service.sh and packages.sh; FOUNDERS ("HOST=VOLUME ..." of the nodes of the first
#   `up`); VOLUME (id of this host's data volume); KERNEL (lines of sysctl.d); FIRST_BOOT_SECONDS (how long
#   user data may take, including its own waits); ARCHIVES (one "URL SHA-512" per line, in the order to try;
#   the script skips an archive that its server does not deliver); START_SCRIPT_FILE and START_SCRIPT (path
#   and text of a script that the unit runs before the service; unset if there is none).
# Idempotent: does not change existing parts. A release gets its final name only when it is complete. The
#   script creates the link if it is missing. Only the operator points it to another release and changes
#   the configuration of a service, node by node.

LOGIN_USER=ec2-user
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

# make_user: creates the service's user. The login user joins its group, because in the book the login user
# reads segments.
make_user() {
  systemd-sysusers - <<<"u $SERVICE_USER - - /nonexistent"$'\n'"m $LOGIN_USER $SERVICE_USER"
}

install_release() {
  local release=/usr/local/$DIRECTORY url expected tried=""
  if [[ -d $release ]]; then
    [[ ! -e $release/.whole ]] || return 0
    # The host lost power before the release was completely on the disk. Install it and its configuration again.
    if [[ $(readlink "$LINK") == "$DIRECTORY" ]]; then
      ! systemctl is-active --quiet "$SERVICE" || return 0
      rm -f "/etc/kafkalab/$SERVICE.content"
    fi
    rm -rf "$release"
  fi
  # Leftovers of an interrupted run.
  rm -rf /usr/local/.kafkalab-"$SERVICE_USER".*
  WORK=$(mktemp -d "/usr/local/.kafkalab-$SERVICE_USER.XXXXXX")
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

# put_start_script: writes the start script. It is not part of the unit, because its change needs no restart.
put_start_script() {
  [[ -n ${START_SCRIPT_FILE-} ]] || return 0
  mkdir -p "${START_SCRIPT_FILE%/*}"
  put "$START_SCRIPT_FILE" "$START_SCRIPT"
}

# own_kernel: whether the host can change kernel settings. A container cannot.
own_kernel() {
  [[ -w /proc/sys/vm/swappiness ]]
}

set_kernel() {
  local settings=/etc/sysctl.d/60-kafkalab.conf
  same "$settings" "$KERNEL" && return
  put "$settings" "$KERNEL"
  own_kernel || return 0
  sysctl -q -p "$settings"
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

# install_service: does everything that needs no data volume. Pulumi attaches the volume meanwhile. Then checks
# that it is mounted.
install_service() {
  only_run
  install_packages
  make_user
  install_release
  [[ -L $LINK ]] || ln -s "$DIRECTORY" "$LINK"
  set_kernel
  complete_first_boot
  put_start_script
  data_mounted
}

# is_new_founder DATA-FILE: whether this node is one of the first of its cluster and has never run.
# Such a node starts at once, because a new cluster has no data to protect. The operator starts all others.
is_new_founder() {
  [[ ! -e /etc/kafkalab/$SERVICE.content && ! -e $1 && " $FOUNDERS " == *" $HOST=$VOLUME "* ]]
}

# start_founder: writes the service's files and starts it.
start_founder() {
  write_files
  systemctl restart "$SERVICE"
  say "$SERVICE started"
}

# finish_install: does the slow steps that are not needed before the service starts.
finish_install() {
  bound_journal
  keep_release
}
