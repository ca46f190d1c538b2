#!/usr/bin/env bash
# Tests the stand-in plugins, where Go is there: it is needed only where they are made.
#
# Inputs: none; set-up has built the host image, whose sshd is the one that they are tested against.
# Idempotence: changes nothing.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../offline/plugins"
if ! command -v go >/dev/null; then
  echo "== plugins: no Go on the PATH; the tests of the stand-ins are left out"
  exit
fi
echo "== plugins"
go vet ./...
# Where both this machine and that sshd have their files.
TMPDIR=/tmp go test ./...
