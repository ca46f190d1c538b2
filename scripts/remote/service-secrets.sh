#!/bin/bash
# Writes the files of a service that hold secrets, and nothing else. Comes after service.sh.
#
# Inputs: SECRETS and SERVICE_USER, as for service.sh.
# Idempotent: writes only files that differ.

main() {
  only_run
  write_secrets
}

main </dev/null
