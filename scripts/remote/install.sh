#!/bin/bash
# Installs a service on a lab host: the commands that it needs, its user, its release, the kernel's
# settings, the bound of the logs. Starts it if it has never been configured here. Comes after
# kafka.sh or zookeeper.sh, service.sh, packages.sh and download.sh.
#
# Inputs: those of service.sh and packages.sh; KERNEL (lines of sysctl.d); FIRST_BOOT_SECONDS (how long
#   user data may take, with its own waits); ARCHIVES ("URL SHA-512" a line, in the order to try; one
#   that its server does not give is passed over); START_SCRIPT_FILE and START_SCRIPT, a script that
#   the unit runs before the service (its path and text; unset where the unit runs none).
# Idempotent: what is there is left as it is. A release appears under its name only when it is
#   whole. The link is made if it is missing; to point it at another release, and to change the
#   configuration of a service, node by node, is up to configure.sh.

LOGIN_USER=ec2-user
FIRST_BOOT=/var/lib/kafkalab/user-data

# first_boot_done: whether user data has come to its end, or will not any more. cloud-init notes that
# it has run user data before it does, and the end of each boot.
first_boot_done() {
  [[ ! -e $FIRST_BOOT-done ]] || return 0
  SEEN="the log $(tail -n 3 "$FIRST_BOOT.log" 2>&1)"
  [[ -e /var/lib/cloud/instance/boot-finished ]]
}

# complete_first_boot: runs user data once more if it was cut short, by a power cut for one, or if the
# volume came too late for it.
complete_first_boot() {
  local script
  wait_until "$FIRST_BOOT_SECONDS" "first boot not done" "$FIRST_BOOT.log" first_boot_done
  [[ ! -e $FIRST_BOOT-done ]] || return 0
  say "first boot did not come to its end; running user data once more"
  for script in /var/lib/cloud/instance/scripts/*; do
    "$script" 9>&- || fail "first boot has failed; last saw the log $(tail -n 3 "$FIRST_BOOT.log" 2>&1); logs: $FIRST_BOOT.log"
  done
}

# make_user: the service's, whose group the login user joins: in the book that one reads segments.
make_user() {
  systemd-sysusers - <<<"u $SERVICE_USER - - /nonexistent"$'\n'"m $LOGIN_USER $SERVICE_USER"
}

install_release() {
  local release=/usr/local/$DIRECTORY url expected tried=""
  if [[ -d $release ]]; then
    [[ ! -e $release/.whole ]] || return 0
    # The host has lost its power before all of it was on the disk. Its configuration goes with it.
    if [[ $(readlink "$LINK") == "$DIRECTORY" ]]; then
      ! systemctl is-active --quiet "$SERVICE" || return 0
      rm -f "/etc/kafkalab/$SERVICE.content"
    fi
    rm -rf "$release"
  fi
  # What an interrupted run has left.
  rm -rf /usr/local/.kafkalab-"$SERVICE_USER".*
  WORK=$(mktemp -d "/usr/local/.kafkalab-$SERVICE_USER.XXXXXX")
  trap 'rm -rf "$WORK"' EXIT
  while read -r url expected; do
    if ! download "$url" "$expected"; then
      # A server of one form lacks the other.
      [[ $SEEN == *" 404" ]] || say "archive ${url##*/} not fetched from $url: $SEEN"
      tried="$tried; $url: $SEEN"
      continue
    fi
    tar -xf "$ARCHIVE" -C "$WORK" --no-same-owner
    [[ -d $WORK/$DIRECTORY ]] || fail "archive ${url##*/} from $url holds no directory $DIRECTORY"
    # The launchers make this directory where it is missing, and cannot as the login user.
    mkdir -p "$WORK/$DIRECTORY/logs"
    mv -T "$WORK/$DIRECTORY" "$release"
    rm -rf "$WORK" "$PARTIAL"
    say "installed $DIRECTORY from ${url##*/}"
    return
  done <<<"$ARCHIVES"
  fail "no archive of $DIRECTORY is to be had${tried}. Run up again to continue, or set kafkalab:archiveUrl to a server that has one of them."
}

# keep_release: notes that the release is on the disk, which takes longer than to start it.
keep_release() {
  [[ ! -e /usr/local/$DIRECTORY/.whole ]] || return 0
  sync -f "/usr/local/$DIRECTORY"
  touch "/usr/local/$DIRECTORY/.whole"
}

# put_start_script: apart from the unit, since a change of it needs no restart.
put_start_script() {
  [[ -n ${START_SCRIPT_FILE-} ]] || return 0
  mkdir -p "${START_SCRIPT_FILE%/*}"
  put "$START_SCRIPT_FILE" "$START_SCRIPT"
}

# own_kernel: in a container the kernel is not the host's to set.
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

# bound_journal: services log to the journal, and to nothing else. Read after an image's own files.
bound_journal() {
  local settings=/etc/systemd/journald.conf.d/zz-kafkalab.conf
  local bound=$'[Journal]\nSystemMaxUse=128M\nSystemMaxFileSize=16M'
  same "$settings" "$bound" && return
  mkdir -p "${settings%/*}"
  put "$settings" "$bound"
  systemctl --no-block restart systemd-journald
}

# first_start: where nothing has run, there is nothing to be careful of.
first_start() {
  [[ ! -e /etc/kafkalab/$SERVICE.content ]] || return 0
  data_mounted
  hold_back
  check_identity
  check_config
  write_files "$(content)"
  systemctl restart "$SERVICE"
  say "$SERVICE started"
}

main() {
  only_run
  check_release
  # Where nothing has run, there is nobody to ask.
  [[ ! -e /etc/kafkalab/$SERVICE.content ]] || check_size
  install_packages
  make_user
  install_release
  [[ -L $LINK ]] || ln -s "$DIRECTORY" "$LINK"
  set_kernel
  # Up to here the host needs no data volume, which is attached while this runs.
  complete_first_boot
  put_start_script
  first_start
  bound_journal
  keep_release
}

main </dev/null
