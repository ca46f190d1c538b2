#!/usr/bin/env bash
# The lab's commands; `npm run COMMAND -- ARGUMENTS` calls this.
#
#   lab.sh setup | env
#   lab.sh up | preview | destroy [-s STACK] [FLAGS OF pulumi...]
#   lab.sh destroy [-s STACK] --abandon-restore [FLAGS OF pulumi...]
#   lab.sh status | key | ssh-config [-s STACK]
#   lab.sh ssh [-s STACK] HOST [COMMAND...]
#   lab.sh checkpoint [-s STACK] save NAME | restore NAME | list | delete NAME...
#   lab.sh take-over [-s STACK]
#   lab.sh cost [-s STACK] [--json]
#   lab.sh drill [-s STACK] list | all | NAME... [--json]
#   lab.sh check | test | test-integration | test-operations | test-full | bench [ARGUMENTS...]
#
# Inputs: STACK (local; of cost: dev): who fulfils it is said by kafkalab:target in Pulumi.STACK.yaml;
#   KAFKALAB_CACHE, KAFKALAB_STATE.
# Idempotence: each command first sets up what it needs, which takes well under a second when it is
#   there. On the local target Pulumi's state is in KAFKALAB_STATE, and the user's own Pulumi is not
#   touched; on AWS it is where the user's own Pulumi keeps it.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=pulumi-state.sh
. "$here/pulumi-state.sh"

usage() {
  sed -n '/^#   lab.sh/s/^#   //p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

[ $# -gt 0 ] || usage
command=$1
shift
stack=local
case $command in
  up | preview | destroy | status | key | ssh | ssh-config | checkpoint | drill | take-over)
    if [ "${1-}" = "-s" ] || [ "${1-}" = "--stack" ]; then
      [ $# -ge 2 ] || die "$1 needs the name of a stack."
      stack=$2
      shift 2
    fi
    [[ $stack =~ ^[A-Za-z0-9_.-]+$ ]] || die "the stack must have a name of letters, digits, '-', '_' and '.'; got $stack"
    ;;
esac
target=local
if grep -qsE '^ *kafkalab:target: *"?aws' "$root/Pulumi.$stack.yaml"; then
  target=aws
fi

# shellcheck source=access.sh
. "$here/access.sh"
# shellcheck source=status.sh
. "$here/status.sh"

# The releases that a lab's settings name, for set-up to have them ready.
releases_named() { # FLAGS OF pulumi...
  local file=$root/Pulumi.$stack.yaml settings=()
  while [ $# -gt 0 ]; do
    case $1 in
      --config-file) file=${2-} ;;
      --config-file=*) file=${1#*=} ;;
      *kafkalab:*Version=*) settings+=("kafkalab:${1##*kafkalab:}") ;;
    esac
    shift
  done
  {
    cat "$file" 2>/dev/null || true
    printf '%s\n' "${settings[@]}"
  } | sed -nE 's/^ *kafkalab:(kafka|zookeeper)Version[:=] *"?([0-9.]+)"? *$/\1-\2/p'
}

setup() { # SCOPE
  KAFKALAB_SETUP_QUIET=1 "$here/setup.sh" --scope "$1"
}

# The environment in which Pulumi finds everything. The state's secrets are protected by the mode of
# the state directory: a passphrase kept beside them would add nothing, and the encryptionsalt that
# is fit for it would have to be written into Pulumi.local.yaml, in the checkout, on each machine.
local_environment() {
  cat <<ENV
export KAFKALAB_CACHE=$(quoted "$cache")
export KAFKALAB_STATE=$(quoted "$state")
export PULUMI_HOME=$(quoted "$state/home")
export PULUMI_BACKEND_URL=$(quoted "$(backend_url)")
export PULUMI_CONFIG_PASSPHRASE=
export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
export PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS=true
unset PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_ACCESS_TOKEN PULUMI_STACK
ENV
  tool_environment
}

# What Pulumi and Node.js need on either target. They keep what they compile in the cache, in place of
# directories in /tmp that stay behind.
tool_environment() {
  cat <<ENV
export PATH=$(quoted "$lab/bin"):"\$PATH"
export PULUMI_SKIP_UPDATE_CHECK=true
export PULUMI_NODEJS_TRANSPILE_ONLY=true
export TS_NODE_CACHE_DIRECTORY=$(quoted "$cache/ts-node")
export TSX_DISABLE_CACHE=1
ENV
  without_proxy
}

# Sets up, and enters the environment of the stack's target.
enter() { # FLAGS OF pulumi...
  if [ "$target" = local ]; then
    KAFKALAB_RELEASES=$(releases_named "$@") setup lab
    eval "$(local_environment)"
    without_stack_traces
  else
    setup tools
    eval "$(tool_environment)"
  fi
  # Hosts are reached with keys of the lab's own. Beside them, the command plugin would still call an
  # SSH agent, and fail if the user's is gone.
  unset SSH_AUTH_SOCK
  cd "$root"
}

# Pulumi's SDK takes a stack trace of every promise that it makes, and ts-node maps each frame to its
# line of TypeScript: a quarter of the program's time, for traces that nobody sees.
without_stack_traces() {
  export NODE_OPTIONS="${NODE_OPTIONS:+$NODE_OPTIONS }--stack-trace-limit=0"
}

stack_there() {
  if [ "$target" = local ]; then
    [ -f "$(stack_file)" ]
  else
    pulumi stack output --stack "$stack" --json >/dev/null 2>&1
  fi
}

enter_stack() { # as enter, for a stack that must be there
  enter
  stack_there || die "there is no stack $stack." "Make it with: npm run up"
}

# Where a restore died, disks and states may be those of two times.
refuse_half_restored() { # FURTHER REMEDY...
  local name
  if [ "$target" = local ] && [ -e "$state/checkpoints/.restore.json" ]; then
    name=$(jq -r .name "$state/checkpoints/.restore.json")
    die "a restore of the checkpoint \"$name\" did not come to its end." \
      "End it first: npm run checkpoint -- restore $name" "$@"
  fi
}

# look_closer COMMAND: whose the lab is, and what belongs to it; see local-cloud/belongings/main.ts. Node.js
# takes a second for that, so a first look says whether there is any reason.
look_closer() {
  if [ "$target" = local ] && { [ "$1" = take-over ] || looks_odd "$1"; }; then
    node --import tsx local-cloud/belongings/main.ts "$1" "$stack"
  fi
}

# Is any lab of the account another checkout's, or has Pulumi's state lost what the local cloud has?
looks_odd() { # COMMAND
  local cloud=$state/cloud/state.json file lost owner
  [ -f "$cloud" ] || return
  file=$(stack_file)
  if [ ! -f "$file" ]; then
    file=/dev/null
  fi
  lost=$(jq -n --arg urn "urn:pulumi:$stack::" --arg command "$1" --slurpfile cloud "$cloud" --slurpfile pulumi "$file" '
    [$cloud[0].records[] | select(.urn | startswith($urn)) |
      select($command == "destroy" or (.acknowledged and (.leaving | not))) | .id] -
    [$pulumi[0].checkpoint.latest.resources // [] | .[].id | strings] | length' 2>/dev/null) || return 0
  if [ "$lost" -gt 0 ] && [[ $1 == up || $1 == destroy ]]; then
    return
  fi
  while IFS= read -r owner; do
    if ! [ "$owner" -ef "$root" ]; then
      return
    fi
  done < <(jq -r '.owners // {} | .[].directory' "$cloud")
  return 1
}

tell_checkpoints() { # those that stay when a lab is destroyed
  local names=("$state"/checkpoints/*/checkpoint.json)
  if [ "$target" = local ] && [ -e "${names[0]}" ]; then
    names=("${names[@]%/checkpoint.json}")
    names=("${names[@]##*/}")
    say "the lab's checkpoints stay: ${names[*]}" "(remove them with: npm run checkpoint -- delete ${names[*]})"
  fi
}

forget_stack() { # removes what these scripts keep of a stack that is gone
  rm -rf "${access:?}"
  if [ "$target" = local ]; then
    forget_state
  fi
}

case $command in
  setup)
    exec "$here/setup.sh" "$@"
    ;;
  env)
    KAFKALAB_RELEASES=$(releases_named) setup lab
    local_environment
    ;;
  up | preview)
    enter "$@"
    refuse_half_restored
    if [ "$target" = local ]; then
      recover_state
      look_closer up
    fi
    if ! stack_there; then
      pulumi stack init "$stack"
      give_away "Pulumi.$stack.yaml"
    fi
    if [ "$command" = preview ]; then
      exec pulumi preview --stack "$stack" --suppress-progress "$@"
    fi
    exec pulumi up --stack "$stack" --yes --skip-preview --suppress-progress "$@"
    ;;
  destroy)
    whole=yes abandon=no arguments=()
    for argument; do
      case $argument in
        --abandon-restore) abandon=yes && continue ;;
        --target* | -t | --exclude* | --preview-only) whole=no ;;
      esac
      arguments+=("$argument")
    done
    set -- ${arguments[@]+"${arguments[@]}"}
    enter
    if [ "$target" = local ]; then
      recover_state
    fi
    if [ "$abandon" = yes ]; then
      look_closer change
      node --import tsx local-cloud/checkpoint/main.ts abandon
    fi
    refuse_half_restored "Or give it up, and remove the hosts and disks that it has put back; checkpoints stay:" \
      "npm run destroy -- --abandon-restore"
    look_closer "$([ "$whole" = yes ] && echo destroy || echo change)"
    if ! stack_there; then
      say "there is no stack $stack; nothing more to destroy"
      forget_stack
      tell_checkpoints
      exit
    fi
    # An interrupt is for Pulumi, which ends in good order; this then sees that it failed.
    trap : INT
    pulumi destroy --stack "$stack" --yes --skip-preview --suppress-progress "$@"
    if [ "$whole" = no ]; then
      exit
    fi
    # What a lost resource needed could only go before it, and what used one, after it.
    look_closer destroy
    pulumi stack rm --stack "$stack" --yes --preserve-config
    forget_stack
    tell_checkpoints
    ;;
  take-over)
    [ "$target" = local ] || die "take-over is of the local target, and the stack $stack is on AWS." \
      "There, whoever reaches Pulumi's state has the lab."
    enter
    look_closer take-over
    ;;
  checkpoint)
    if [ "$target" != local ]; then
      die "checkpoints are of the local target, and the stack $stack is on AWS." \
        "There, EBS keeps snapshots: aws ec2 create-snapshots; docs/aws.md says how."
    fi
    enter
    recover_state
    if [ "${1-}" = restore ]; then
      look_closer restore
    fi
    status=0
    KAFKALAB_STACK=$stack node --import tsx local-cloud/checkpoint/main.ts "$@" || status=$?
    # The last one may be gone, and with it all that was left of a lab.
    if [ "$status" -eq 0 ] && ! stack_there && [ ! -e "$state/cloud/state.json" ]; then
      forget_stack
    fi
    exit "$status"
    ;;
  ssh)
    [ $# -gt 0 ] || die "ssh needs a host." "For example: npm run ssh -- peter-kafka01"
    enter_stack
    access_make
    access_check "$1"
    access_route
    access_ssh "$@"
    ;;
  key)
    enter_stack
    access_make
    echo "$access/key"
    ;;
  ssh-config)
    enter_stack
    access_make
    access_config
    ;;
  status)
    enter_stack
    status_print
    ;;
  cost)
    setup npm
    cd "$root"
    eval "$(tool_environment)"
    exec node --import tsx cli/cost/main.ts "$@"
    ;;
  drill)
    if [ "${1-}" != list ]; then
      enter_stack
      look_closer change
      access_make
      access_route
      LAB_ACCESS=$(jq -n --arg root "$root" --arg stack "$stack" --arg target "$target" \
        --arg directory "$access" --arg configFile "$root/Pulumi.$stack.yaml" --argjson hosts "$hosts_json" '$ARGS.named')
      export LAB_ACCESS
    fi
    unset NODE_OPTIONS
    cd "$root"
    # In place of this shell, so that a signal reaches nobody else, and nobody ends before it does.
    exec node --import tsx cli/drill/main.ts "$@"
    ;;
  check)
    setup check
    exec "$here/check.sh" "$@"
    ;;
  test | test-integration | test-operations | test-full)
    setup test
    eval "$(local_environment)"
    cd "$root"
    if [ "$command" = test ]; then
      "$here/check.sh"
      "$here/test-plugins.sh"
    fi
    project=integration
    case $command in
      test-operations) project=operations ;;
      test-full) project=full ;;
    esac
    exec node_modules/.bin/vitest run --project "$project" "$@"
    ;;
  bench)
    setup lab
    eval "$(local_environment)"
    without_stack_traces
    cd "$root"
    # One at a time: its names are fixed. Node keeps the lock to itself: hosts that it starts must not.
    exec {lock}>/run/lock/kafkalab-bench
    flock --nonblock "$lock" || die "another bench is running."
    # As the drills: nobody else gets a signal, or ends it while it still removes what it has made.
    exec node --import tsx bench/main.ts "$@"
    ;;
  *) usage ;;
esac
