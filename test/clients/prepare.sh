#!/usr/bin/env bash
# Installs what a client program of the tests needs, and prints the command that runs it, one argument per line.
#
# Inputs: the client (python, exactly-once, node, go, java or kcat); KAFKALAB_CACHE; the package managers' own settings determine
#   where packages come from. The setup must have made the archives (.lab/archives).
# Idempotence: a cache entry per client. If it exists, nothing is installed.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=../../scripts/dev/lib.sh
. "$here/../../scripts/dev/lib.sh"
for step in preflight archives; do
  # shellcheck source=/dev/null
  . "$root/scripts/dev/steps/$step.sh"
done
clients=test/clients
kind=test-clients

progress() {
  say "clients: $*"
}

build_python() { # DIRECTORY
  # Run only its interpreter: the scripts in it contain the path of the directory where it was created.
  python3 -m venv "$1/venv" >&2
  "$1/venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes \
    --only-binary :all: -r "$root/$clients/python/requirements.txt" >&2
}

build_node() { # DIRECTORY
  cp "$root/$clients/node"/{client.mjs,counts.mjs,package.json,package-lock.json} "$root/.npmrc" "$1"
  npm ci --prefix "$1" --ignore-scripts --no-update-notifier >&2
}

build_go() { # DIRECTORY
  need_go 1.25.8 "to build the client in Go"
  (
    cd "$root/$clients/go"
    go_build "$1/client" .
  )
}

build_java() { # ARCHIVE DIRECTORY
  tar -xf "$1" -C "$2" --strip-components=1 --no-same-owner
}

python_of() { # PROGRAM: these programs need only the standard library
  command -v python3
  printf '%s\n' -B "$root/$clients/python/$1"
}

case ${1-} in
  python | exactly-once)
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
      die "the client in Python needs Python 3 with venv." "Install the packages python3 and python3-venv."
    entry=$(key "$(python3 --version)" "$(uname -m)" "$(readlink -f "$(command -v python3)")" \
      "$(declare -f build_python)" -- $clients/python/requirements.txt)
    entry_make $kind "$entry" build_python
    printf "%s\n" "$cache/$kind/$entry/venv/bin/python" -B # no __pycache__ in the checkout
    case $1 in
      python) echo "$root/$clients/python/confluent.py" ;;
      exactly-once) echo "$root/$clients/python/exactly_once.py" ;;
    esac
    ;;
  node)
    entry=$(key "$(node --version)" "$(uname -m)" "$(declare -f build_node)" -- $clients/node .npmrc)
    entry_make $kind "$entry" build_node
    command -v node
    echo "$cache/$kind/$entry/client.mjs"
    ;;
  go)
    entry=$(key "$(go version)" "$(uname -m)" "$(declare -f build_go go_build)" -- $clients/go)
    entry_make $kind "$entry" build_go
    echo "$cache/$kind/$entry/client"
    ;;
  java)
    release=$(archives_default | grep '^kafka-')
    files=("$lab/archives/$(archives_directory "$release")"/*.t*)
    entry=$(key "$release" "$(declare -f build_java)" "$(sed 's/ .*//' "${files[0]%/*}/sums")")
    entry_make $kind "$entry" build_java "${files[0]}"
    printf '%s\n' env "KAFKA_HOME=$cache/$kind/$entry"
    python_of java.py
    ;;
  kcat)
    command -v kcat >/dev/null || die "kcat is missing." "Install the package kcat."
    python_of kcat.py
    ;;
  *) die "prepare.sh: the client must be python, exactly-once, node, go, java or kcat; got ${1-}" ;;
esac
