#!/bin/bash
# Installs the tools of a client host: packages, and Kafka's release, whose commands are on the PATH. Comes
# after host-install.sh.
#
# Inputs: those of packages.sh and host-install.sh.
# Idempotent: does not change existing parts. Another release becomes the one that is used; former ones stay.

# put_path: puts the release's commands on the PATH of login shells, and on that of commands over SSH, which
# read no profile.
put_path() {
  put /etc/profile.d/kafka.sh "PATH=\$PATH:$LINK/bin"
  put /etc/environment "PATH=/usr/local/bin:/usr/bin:/bin:/usr/games:$LINK/bin"
}

main() {
  only_run
  install_packages
  install_release
  keep_release
  switch_link "$LINK" "$DIRECTORY"
  put_path
  complete_first_boot
  bound_journal
}

main </dev/null
