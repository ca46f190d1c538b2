#!/usr/bin/env bash
# How to reach the hosts of a stack: the login key and the pinned host keys, from the stack's outputs.
#
# Inputs: $target, $stack, $state and Pulumi's environment; sourced by lab.sh.
# Idempotence: writes the same files anew, in a directory that only this user can read.
# shellcheck disable=SC2154 # lab.sh sets the variables

if [ "$target" = local ]; then
  access=$state/ssh/$stack
else
  access=${XDG_STATE_HOME:-$HOME/.local/state}/kafkalab/ssh/$stack
fi

# access_make: fills $access, and $hosts_json with the output `hosts`.
access_make() {
  local outputs
  outputs=$(pulumi stack output --stack "$stack" --json --show-secrets)
  hosts_json=$(jq -c '.hosts // {}' <<<"$outputs")
  if [ "$hosts_json" = "{}" ]; then
    die "the stack $stack has no hosts." "Make them with: npm run up"
  fi
  (
    umask 077
    mkdir -p "$access"
    chmod 0700 "$access"
    jq -r .privateKey <<<"$outputs" >"$access/key.$$"
    jq -r 'to_entries[] | "\(.key) \(.value.hostKey)"' <<<"$hosts_json" >"$access/known_hosts.$$"
    mv "$access/key.$$" "$access/key"
    mv "$access/known_hosts.$$" "$access/known_hosts"
  )
}

# access_arguments HOST: sets $ssh_arguments, up to and with the destination. A host with another key
# than the pinned one is an error, whatever its address.
access_arguments() {
  local host=$1 user address
  IFS=$'\t' read -r user address < <(jq -r --arg host "$host" '.[$host] // empty | [.user, .publicIp] | @tsv' <<<"$hosts_json") || true
  if [ -z "${address-}" ]; then
    die "there is no host $host in the stack $stack." "Its hosts: $(jq -r 'keys | join(", ")' <<<"$hosts_json")"
  fi
  ssh_arguments=(-i "$access/key" -l "$user" -o IdentitiesOnly=yes -o BatchMode=yes
    -o "UserKnownHostsFile=$access/known_hosts" -o GlobalKnownHostsFile=/dev/null
    -o "HostKeyAlias=$host" -o StrictHostKeyChecking=yes -o ConnectTimeout=5
    -o ServerAliveInterval=15)
  if [ "$target" = local ]; then
    # What a user sets for the outside world is of no use for hosts on this machine.
    ssh_arguments=(-F none "${ssh_arguments[@]}")
  fi
  ssh_arguments+=("$address")
}
