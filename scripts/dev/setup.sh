#!/usr/bin/env bash
# Provides everything that the lab needs on this machine and that is missing.
#
# Inputs: [--scope lab|tools|npm|check|test]. lab (the default): everything for a lab on this machine; tools:
#   everything except hosts, for a stack on AWS; npm: npm's packages and the lab's commands; check: the tools
#   of the checks; test: everything. KAFKALAB_CACHE, KAFKALAB_STATE and the variables in the files of steps/.
# Idempotence: each step first checks whether there is anything to do. If not, the whole setup takes well
#   under a second. Independent steps run in parallel. Two setups can run at the same time.
set -euo pipefail

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

preflight_scope=lab
only=
while [ $# -gt 0 ]; do
  case $1 in
    --scope) preflight_scope=$2 ;;
    --step) only=$2 ;;
    -h | --help)
      say "Usage: npm run setup -- [--scope lab|tools|npm|check|test]" "" \
        "Sets up what is missing on this machine: for a lab on this machine (lab, the default), for one on" \
        "AWS (tools), for the commands that need no host (npm), for npm run check (check), for all tests" \
        "(test). Prints a line for each step; the output of each step is in .lab/log/STEP.log." "" \
        "Example: npm run setup"
      exit
      ;;
    *) die "setup.sh: unknown argument $1" ;;
  esac
  shift 2
done

for file in "$root/scripts/dev/steps"/*.sh; do
  # shellcheck source=/dev/null
  . "$file"
done

progress() { # TEXT: prints one line to the terminal, which is fd 3; all other output is logged
  printf '  %-10s %s (%s)\n' "${only:-setup}" "$*" "$(since "${KAFKALAB_BEGAN:-$EPOCHREALTIME}")" >&3
}

# Each step runs in its own process: `set -e` has no effect in a function that is part of a condition.
if [ -n "$only" ]; then
  "${only}_make"
  exit
fi

exec 3>&2
started=$EPOCHREALTIME
for path in "$lab" "$lab/log" "$root/node_modules"; do
  if [ -e "$path" ] && [ ! -w "$path" ]; then
    die "$path belongs to $(stat --format=%U -- "$path"), and $(id -un) may not change it." \
      "Make it yours: sudo chown -R $(id -un): $(quoted "$lab") $(quoted "$root/node_modules")"
  fi
done
case $preflight_scope in
  lab | test) steps=(pulumi npm plugins archives base image bundle commands) ;;
  tools) steps=(pulumi npm plugins commands) ;;
  npm | check) steps=(npm commands) ;;
  *) die "setup.sh: --scope must be lab, tools, npm, check or test; got $preflight_scope" ;;
esac
# The steps that must be done before a step.
declare -A after=([plugins]=pulumi [bundle]=npm [commands]=npm [image]="archives base")

if [[ $preflight_scope =~ ^(lab|test)$ ]]; then
  preflight_machine
fi
if ! preflight_ready; then
  preflight_make
fi

# `cache prune` waits for this lock until the setup has linked the entries that it uses.
if [ -d "$cache" ] && [ -w "$cache" ]; then
  mkdir -p "$cache/locks"
  exec {prune_lock}>>"$cache/locks/prune"
  flock --shared "$prune_lock"
fi

declare -A job=() began=() ended=()
waiting=()
for step in "${steps[@]}"; do
  "${step}_ready" &
  job[$step]=$!
done
for step in "${steps[@]}"; do
  if wait "${job[$step]}"; then
    ended[$step]=0
  else
    waiting+=("$step")
  fi
done
job=()

stop() {
  local step
  trap - INT TERM
  for step in "${!job[@]}"; do
    kill -TERM -- "-${job[$step]}" 2>/dev/null || true
  done
  exit 130
}

failed=()
if [ ${#waiting[@]} -gt 0 ]; then
  mkdir -p "$lab/log"
  trap stop INT TERM
  # npm's packages need no cache, so the price estimate and the checks need no root.
  if [ ! -d "$cache" ] && ! mkdir -p "$cache" 2>/dev/null && [[ ! $preflight_scope =~ ^(npm|check)$ ]]; then
    die "cannot create the cache $cache." "Run this as root, or set KAFKALAB_CACHE to a directory that you may create."
  fi
  while [ ${#waiting[@]} -gt 0 ] || [ ${#job[@]} -gt 0 ]; do
    rest=()
    for step in ${waiting[@]+"${waiting[@]}"}; do
      free=yes
      for other in ${after[$step]-}; do
        case ${ended[$other]-} in
          0) ;;
          "") free=no ;;
          *) free=never ;;
        esac
      done
      case $free in
        no) rest+=("$step") ;;
        never) ended[$step]=1 ;;
        yes)
          began[$step]=$EPOCHREALTIME
          printf '  %-10s ...\n' "$step" >&2
          set -m # puts the step into its own process group, so that stop() can end it
          KAFKALAB_BEGAN=${began[$step]} bash "${BASH_SOURCE[0]}" --scope "$preflight_scope" --step "$step" >"$lab/log/$step.log" 2>&1 </dev/null &
          set +m
          job[$step]=$!
          ;;
      esac
    done
    waiting=(${rest[@]+"${rest[@]}"})
    if [ ${#job[@]} -eq 0 ]; then
      continue
    fi
    status=0
    wait -n -p done_pid "${job[@]}" || status=$?
    for step in "${!job[@]}"; do
      if [ "${job[$step]}" = "${done_pid-}" ]; then
        unset "job[$step]"
        ended[$step]=$status
        if [ "$status" -eq 0 ]; then
          printf '  %-10s done    %8s\n' "$step" "$(since "${began[$step]}")" >&2
        else
          failed+=("$step")
          printf '  %-10s FAILED  %8s\n' "$step" "$(since "${began[$step]}")" >&2
          tail -n 20 "$lab/log/$step.log" | sed 's/^/             /' >&2
          say "             (all of it: $lab/log/$step.log)"
        fi
      fi
    done
  done
  trap - INT TERM
fi
if [ ${#began[@]} -gt 0 ]; then
  give_away "$lab"
fi
if [ ${#failed[@]} -gt 0 ]; then
  die "set-up failed at: ${failed[*]}"
fi
if [[ $preflight_scope =~ ^(lab|test)$ ]]; then
  state_make
fi
note_user
if [ -n "${KAFKALAB_SETUP_QUIET-}" ] && [ ${#began[@]} -eq 0 ]; then
  exit
fi
say "set-up: $([ ${#began[@]} -eq 0 ] && echo "nothing to do" || echo "done") ($(since "$started"))"
