#!/usr/bin/env bash
# Keeps Pulumi's state on the local target usable: after a run that was killed, and after the last
# stack is gone.
#
# Inputs: $state, $stack, and Pulumi's environment of the local target; sourced by lab.sh.
# Idempotence: does nothing where there is nothing to mend or to remove.
# shellcheck disable=SC2154 # lab.sh sets the variables

# Without the metadata that Pulumi's file store would write beside each file: a run that is killed
# while it writes them leaves a stack that cannot be read any more.
backend_url() {
  jq -rn --arg path "$state/pulumi" '"file://" + ($path | split("/") | map(@uri) | join("/")) + "?metadata=skip"'
}

backend() {
  echo "$state/pulumi/.pulumi"
}

stack_file() {
  echo "$(backend)/stacks/kafkalab/$stack.json"
}

field() { # NAME FILE: a string or number of a flat JSON file
  sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "$2"
}

# Is this process a Pulumi, and not another one that got its number?
pulumi_runs() { # PID
  case "$(readlink "/proc/$1/exe" 2>/dev/null || true)" in
    */pulumi | */"pulumi (deleted)") true ;;
    *) false ;;
  esac
}

# Does the holder of a lock still run: a Pulumi, or what of the local cloud takes such locks?
holder_runs() { # PID
  pulumi_runs "$1" || grep -qszxE 'local-cloud/(checkpoint|belongings)/main\.ts' "/proc/$1/cmdline"
}

# A Pulumi that was killed leaves its lock, and then each later run refuses to work. The lock goes if
# it is of this machine and its process is no more; what that process had started goes with it.
recover_state() {
  local lock pid live=no
  for lock in "$(backend)/locks/organization/kafkalab/$stack"/*.json; do
    [ -f "$lock" ] || continue
    live=yes
    pid=$(field pid "$lock")
    if [ "$(field hostname "$lock")" = "$(uname -n)" ] && [ -n "$pid" ] && ! holder_runs "$pid"; then
      say "an earlier run (process $pid) was killed; its lock on the stack $stack is removed"
      rm -f "$lock" "$lock.attrs"
      live=no
    fi
  done
  if [ "$live" = yes ]; then
    return # Pulumi says who holds it
  fi
  end_orphans
  # Pulumi would warn of what was being created then, at each run, until someone has looked. There is
  # nothing to look for: the local cloud removes what no state knows of, and commands run again.
  if [ -f "$(stack_file)" ] && jq -e '.checkpoint.latest.pending_operations // [] | length > 0' "$(stack_file)" >/dev/null 2>&1; then
    say "forgetting the operations that the killed run had begun"
    pulumi stack export --stack "$stack" | jq 'del(.deployment.pending_operations)' | pulumi stack import --stack "$stack" >/dev/null
  fi
}

# Ends language hosts and plugins whose Pulumi is gone. They are told by three marks: they come from
# this project's tools or plugins, work on this state directory, and have no Pulumi for a parent.
end_orphans() {
  local directory pid executable parent url orphans=()
  url=$(backend_url)
  for directory in /proc/[0-9]*; do
    pid=${directory#/proc/}
    executable=$(readlink "$directory/exe" 2>/dev/null) || continue
    case $executable in
      "$cache"/tools/*/pulumi-language-* | "$cache"/plugins/*) ;;
      */node) grep -qzE '(^|/)aws\.cjs$|@pulumi/pulumi/cmd/run' "$directory/cmdline" 2>/dev/null || continue ;;
      *) continue ;;
    esac
    grep -qzxF "PULUMI_BACKEND_URL=$url" "$directory/environ" 2>/dev/null || continue
    parent=$pid
    while [ "${parent:-1}" -gt 1 ] && ! pulumi_runs "$parent"; do
      parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$parent/status" 2>/dev/null || true)
    done
    if [ "${parent:-1}" -le 1 ]; then
      orphans+=("$pid")
    fi
  done
  if [ ${#orphans[@]} -gt 0 ]; then
    say "ending what the killed run left behind: ${orphans[*]}"
    kill "${orphans[@]}" 2>/dev/null || true
    for _ in {1..50}; do
      kill -0 "${orphans[@]}" 2>/dev/null || return 0
      sleep 0.1
    done
    kill -KILL "${orphans[@]}" 2>/dev/null || true
  fi
}

# forget_state: removes what Pulumi keeps of a stack that is gone, and the state directory if nothing
# is left in it. Data of the local cloud and checkpoints are never removed here: where there are some,
# the directory is not empty, and stays.
forget_state() {
  local backend
  backend=$(backend)
  if [ ! -e "$(stack_file)" ]; then
    rm -f "$(stack_file)".*
    rm -rf "$backend/history/kafkalab/$stack" "$backend/backups/kafkalab/$stack"
    if [ -z "$(find "$backend/stacks" -name '*.json' -print -quit 2>/dev/null)" ]; then
      rm -rf "${backend:?}" "${state:?}/home"
      (cd "$state" && find . -mindepth 1 -depth -type d ! -path './checkpoints/*' -empty -delete)
      rmdir "$state" 2>/dev/null || true
    fi
  fi
}
