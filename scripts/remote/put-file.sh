#!/bin/bash
# Writes or removes a file of this host. Comes after common.sh.
#
# Inputs: FILE (path); TEXT (content; empty to remove the file).
# Idempotent: does not change a file that already has this content.

main() {
  if [[ -z $TEXT ]]; then
    rm -f "$FILE"
  else
    mkdir -p "${FILE%/*}"
    put "$FILE" "$TEXT"
  fi
}

main </dev/null
