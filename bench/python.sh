#!/usr/bin/env bash
# Installs the bench's Python with the packages in requirements.txt, and prints the path of its interpreter.
#
# Inputs: KAFKALAB_CACHE; pip's own settings determine the package index.
# Idempotence: a cache entry. If it exists, nothing is installed.
set -euo pipefail

# shellcheck source=../scripts/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/dev/lib.sh"
least=3.11 # of ansible-core

progress() {
  say "bench: $*"
}

build() { # DIRECTORY
  progress "installing ansible-core and matplotlib"
  # Run only its interpreter: the scripts in it contain the path of the directory where it was created.
  python3 -m venv "$1/venv" >&2
  "$1/venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes \
    --only-binary :all: -r "$root/bench/requirements.txt" >&2
}

command -v python3 >/dev/null ||
  die "this part of the bench needs Python $least or later; python3 is missing." "Install the packages python3 and python3-venv."
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
python3 -c "import sys; sys.exit(sys.version_info < (${least/./, }))" ||
  die "this part of the bench needs Python $least or later; python3 has version $version." "Put a later one first in PATH."
python3 -c 'import ensurepip, venv' 2>/dev/null ||
  die "this part of the bench needs Python's venv; python3 has none." "Install the package python3-venv."
entry=$(key "$version" "$(uname -m)" "$(readlink -f "$(command -v python3)")" "$(declare -f build)" -- bench/requirements.txt)
entry_make bench-python "$entry" build
echo "$cache/bench-python/$entry/venv/bin/python"
