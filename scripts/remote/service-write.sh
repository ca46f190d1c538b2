#!/bin/bash
# Writes the files of a service on this host. Comes after service.sh.
#
# Inputs: those of service.sh; FURTHER (one "PATH TEXT" per line: one-line files to write first).
# Idempotent: writes only files that differ. Does not restart the service.

main() {
  local path text
  only_run
  data_mounted
  while read -r path text; do
    [[ -z $path ]] || put "$path" "$text"
  done <<<"$FURTHER"
  write_files
}

main </dev/null
