#!/bin/bash
# Installs a service on this host: the commands that it needs, its user, its release, kernel settings and
# the size limit of the journal. Comes after service.sh and host-install.sh.
#
# Inputs: those of service.sh, packages.sh and host-install.sh; FOUNDERS ("HOST=VOLUME ..." of the nodes of
#   the first `up`); VOLUME (id of this host's data volume); KERNEL (lines of sysctl.d); START_SCRIPT_FILE
#   and START_SCRIPT (path and text of a script that the unit runs before the service; unset if there is
#   none).
# Idempotent: does not change existing parts. The script creates the link if it is missing. Only the operator
#   points it to another release and changes the configuration of a service, node by node.

LOGIN_USER=ec2-user

# make_user: creates the service's user. The login user joins its group, because in the book the login user
# reads segments.
make_user() {
  systemd-sysusers - <<<"u $SERVICE_USER - - /nonexistent"$'\n'"m $LOGIN_USER $SERVICE_USER"
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
