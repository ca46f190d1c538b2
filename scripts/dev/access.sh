#!/usr/bin/env bash
# How to reach the hosts of a stack: the login key, the pinned host keys, and an OpenSSH client
# configuration that uses them.
#
# Inputs: $target, $stack, $state and Pulumi's environment; sourced by lab.sh.
# Idempotence: writes the same files anew, in a directory that only this user can read.
# shellcheck disable=SC2154,SC2164 # lab.sh sets the variables, and errexit

if [ "$target" = local ]; then
  access=$state/ssh/$stack
else
  access=${XDG_STATE_HOME:-$HOME/.local/state}/kafkalab/ssh/$stack
fi

# access_make: fills $access, and $hosts_json with what access.jq tells of each host.
access_make() {
  local found file
  found=$(pulumi stack export --stack "$stack" --show-secrets | jq -c -f "$root/scripts/dev/access.jq")
  hosts_json=$(jq -c .hosts <<<"$found")
  if [ "$hosts_json" = "{}" ]; then
    die "the stack $stack has no hosts." "Make them with: npm run up"
  fi
  (
    umask 077
    mkdir -p "$access"
    chmod 0700 "$access"
    jq -j .key <<<"$found" >"$access/key.$$"
    jq -r 'to_entries[] | "\(.key) \(.value.hostKey)"' <<<"$hosts_json" >"$access/known_hosts.$$"
    {
      access_config
      if [ "$target" != local ]; then
        # Such as a proxy, where there is no other way out.
        printf '%s\n' "# For the rest, the user's own configuration." "Host *" "  Include ~/.ssh/config" "  Include /etc/ssh/ssh_config"
      fi
    } >"$access/config.$$"
    for file in key known_hosts config; do
      mv "$access/$file.$$" "$access/$file"
    done
  )
}

# access_config: prints the configuration. A host with another key than the pinned one is an error,
# whatever its address; so is a host on the way.
access_config() {
  jq -r --arg access "$access" --arg target "$target" --arg linked "$(access_linked %h)" --arg gone "$access_gone" '
    # In quotes, and with what ssh takes for a token of its own doubled.
    def path: gsub("%"; "%%") | gsub("(?<c>[\\\\\"])"; "\\\(.c)") | "\"\(.)\"";
    (.[] | select(.address) | "Host \(.names | join(" "))",
      "  HostName \(.address)",
      if .via then "  ProxyJump \(.via)" else empty end,
      "  User ec2-user",
      "  IdentityFile \("\($access)/key" | path)",
      "  IdentitiesOnly yes",
      "  BatchMode yes",
      "  UserKnownHostsFile \("\($access)/known_hosts" | path)",
      "  GlobalKnownHostsFile /dev/null",
      "  HostKeyAlias \(.names[0])",
      "  StrictHostKeyChecking yes",
      "  ConnectTimeout 5",
      "  ServerAliveInterval 15",
      ""),
    ([.[] | select(.address and (.via | not)) | .names[]] | join(",") | select($target == "local" and . != "")
      # Not only these scripts: ssh itself dials no address that leads out of this machine.
      | "Match originalhost \(.) !exec \"\($linked)\"",
      "  ProxyCommand sh -c \u0027echo \"kafkalab: \($gone) Run: npm run up\" >&2; exit 1\u0027",
      # What a user sets for the outside world is of no use for hosts on this machine.
      "Match originalhost \(.)",
      "  ProxyCommand none",
      "")' <<<"$hosts_json"
}

access_gone="no link of this machine leads to the hosts, for example because it was restarted."

# access_linked ADDRESS: prints the command that succeeds if this machine reaches the address by the
# link of a lab.
access_linked() {
  echo "ip -4 route get $1 | grep -q ' dev kl-'"
}

# access_route: an error on the local target if no link leads to the hosts. Their addresses then lead
# out of this machine, by its default route, to somebody else.
access_route() {
  local address
  address=$(jq -r 'first(.[] | select(.address and (.via | not)) | .address) // empty' <<<"$hosts_json")
  if [ "$target" = local ] && [ -n "$address" ] && ! bash -c "$(access_linked "$address")" 2>/dev/null; then
    die "$access_gone" "Run: npm run up"
  fi
}

# access_check HOST: an error unless the stack has this host, and it can be reached.
access_check() {
  local address
  address=$(jq -r --arg host "$1" '.[] | select(.names | index($host)) | .address // "none"' <<<"$hosts_json")
  if [ -z "$address" ]; then
    die "there is no host $1 in the stack $stack." "Its hosts: $(jq -r 'keys | join(", ")' <<<"$hosts_json")"
  fi
  if [ "$address" = none ]; then
    die "the host $1 has no address: it is stopped, or the host that leads to it is." \
      "Start it with: npm run up (in a lab that is paused, set kafkalab:running to true first)"
  fi
}

# access_ssh HOST [COMMAND...]: ssh, in place of this shell. It hands the name of its configuration to
# the ssh of a ProxyJump, unquoted; one without a directory stands that.
access_ssh() {
  cd "$access"
  exec ssh -F config "$@"
}
