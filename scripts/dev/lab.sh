#!/usr/bin/env bash
# Runs one of the lab's commands: `npm run COMMAND -- ARGUMENTS` calls `lab.sh COMMAND ARGUMENTS`.
#
# The commands are in TypeScript, in cli/. This script provides the packages and the bundle of cli/, so that
# Node.js can run them. `lab.sh --help` lists the commands and the exit codes.
#
# Inputs: KAFKALAB_CACHE, KAFKALAB_STATE.
# Idempotence: the setup takes well under a second if there is nothing to do.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=lib.sh
. "$here/lib.sh"

if [ "${1-}" = setup ]; then
  shift
  exec "$here/setup.sh" "$@"
fi

# The scope of the first setup. cli/ reads the stack's settings and extends the setup if necessary. Most
# commands need a lab on this machine, so this script begins with that setup.
scope_of() { # COMMAND ARGUMENT...
  local command=${1-} previous=
  case $command in
    check) echo check && return ;;
    test | test-integration | test-operations | test-full) echo test && return ;;
    env | bench) echo lab && return ;;
    up | preview | destroy | status | logs | key | ssh | ssh-config | checkpoint | drill | take-over) ;;
    tunnel | client-config | produce | consume) ;;
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

# These commands last until the user ends them. A signal to the command must reach Node.js, which then ends
# its connection to a host in order.
case ${1-} in
  tunnel | produce | consume) exec node "$lab/cli/main.mjs" "$@" ;;
esac

# The last step of a command may be another program, such as pulumi or ssh. Node.js writes that program with
# its arguments to file descriptor 3, and this shell executes it with exec. So each signal reaches the program
# once, and killing the command kills the program.
last=$(mktemp)
exec 3<>"$last"
rm -f "$last"
node "$lab/cli/main.mjs" "$@" || exit
mapfile -d '' -t last </proc/self/fd/3
exec 3>&-
if [ ${#last[@]} -gt 1 ]; then
  exec "${last[@]}"
fi
