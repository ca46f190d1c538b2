#!/usr/bin/env bash
# Runs one of the lab's commands: `npm run COMMAND -- ARGUMENTS` calls `lab.sh COMMAND ARGUMENTS`.
#
# The commands are TypeScript, in cli/. This file provides what must exist before Node.js can run them:
# the packages and the bundle of cli/. `lab.sh --help` lists the commands and the exit codes.
#
# Inputs: KAFKALAB_CACHE, KAFKALAB_STATE.
# Idempotence: the set-up takes well under a second when there is nothing to do.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=lib.sh
. "$here/lib.sh"

if [ "${1-}" = setup ]; then
  shift
  exec "$here/setup.sh" "$@"
fi

# The scope of the first set-up. cli/ reads the stack's settings and sets up more where they ask for
# more. A lab on this machine is what most commands are for, so its set-up need not wait for that.
scope_of() { # COMMAND ARGUMENT...
  local command=${1-} previous=
  case $command in
    check) echo check && return ;;
    test | test-integration | test-operations | test-full) echo test && return ;;
    env | bench) echo lab && return ;;
    up | preview | destroy | status | key | ssh | ssh-config | checkpoint | drill | take-over) ;;
    *) echo npm && return ;;
  esac
  for argument; do
    case $previous/$argument in
      -s/local | --stack/local) ;;
      -s/* | --stack/* | */-s?* | */--stack=* | */-h | */--help | drill/list) echo npm && return ;;
    esac
    previous=$argument
  done
  if [ "$EUID" -eq 0 ]; then
    echo lab
  else
    echo npm
  fi
}

KAFKALAB_SCOPE=$(scope_of "$@")
KAFKALAB_SETUP_QUIET=1 "$here/setup.sh" --scope "$KAFKALAB_SCOPE"
export KAFKALAB_CACHE=$cache KAFKALAB_STATE=$state KAFKALAB_SCOPE
cd "$root"

# A command may end in another program, such as pulumi or ssh. Node.js writes that program with its
# arguments to file descriptor 3, and this shell becomes it. So signals reach the program itself, once,
# and whoever kills the command kills the program.
last=$(mktemp)
exec 3<>"$last"
rm -f "$last"
node "$lab/cli/main.mjs" "$@" || exit
mapfile -d '' -t last </proc/self/fd/3
exec 3>&-
if [ ${#last[@]} -gt 1 ]; then
  exec "${last[@]}"
fi
