#!/bin/bash
# Installs a broker on this host, and starts it if it is one of the first of a new cluster. Comes after
# kafka-check.sh and install.sh.
#
# Inputs: those of these files.
# Idempotent: does not change a broker that was ever configured.

main() {
  install_service
  if is_new_founder "$DATA/meta.properties"; then
    check_config
    start_founder
  fi
  finish_install
}

main </dev/null
