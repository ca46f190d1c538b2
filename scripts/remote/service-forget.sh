#!/bin/bash
# Removes files of a service that hold secrets and that the service no longer needs. Comes after common.sh.
#
# Inputs: SECRETS_DIRECTORY, KEEP (paths of the files to keep, separated by spaces).
# Idempotent: does nothing if there are no other files.

main() {
  local path
  only_run
  for path in "${SECRETS_DIRECTORY:?}"/*; do
    [[ " $KEEP " == *" $path "* ]] || rm -f "$path"
  done
  [[ -n $KEEP ]] || rm -rf "$SECRETS_DIRECTORY"
}

main </dev/null
