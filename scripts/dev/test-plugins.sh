#!/usr/bin/env bash
# Tests the stand-in plugins if Go is installed. Only machines that build the plugins need Go.
#
# Inputs: none; the setup must have built the host image, because the tests use its sshd.
# Idempotence: changes nothing.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../offline/plugins"
if ! command -v go >/dev/null; then
  echo "== plugins: no Go on the PATH; the tests of the stand-ins are left out"
  exit
fi
echo "== plugins"
go vet ./...
# Both this machine and that sshd can see /tmp.
TMPDIR=/tmp go test ./...
