#!/bin/bash
# Installs a broker on this host, and starts it if it is one of the first of a new cluster. Comes after
# install.sh, and after kafka-check.sh if CHECK is true.
#
# Inputs: those of these files, CHECK (whether the user has set any key: the lab's own keys need no check).
# Idempotent: does not change a broker that was ever configured.

main() {
  install_service
  if is_new_founder "$DATA/meta.properties"; then
    [[ $CHECK != true ]] || check_config
    start_founder
  fi
  finish_install
}

main </dev/null
