#!/usr/bin/env bash
# Prints how the lab is: hosts, services, ZooKeeper's leader and followers, brokers, the topics with
# their in-sync replicas, and on the local target DNS and the way out.
#
# Inputs: the functions and variables of access.sh; sourced by lab.sh.
# Idempotence: only looks. It asks all hosts at once; one that does not answer is shown as down. The
#   local cloud knows which hosts do not run: nobody waits for those.
# shellcheck disable=SC2154 # lab.sh and access.sh set the variables

status_print() {
  local host address work access pids=() sick=0 file cloud power linked=yes
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the directory of now
  trap "rm -rf $(quoted "$work")" EXIT
  # Who only looks is left no key.
  # shellcheck disable=SC2034 # access.sh reads it
  access=$work/access
  echo '{}' >"$work/cloud"
  if [ "$target" = local ]; then
    node --import tsx local-cloud/status.ts "$stack" >"$work/cloud" &
    pids=($!)
  fi
  access_make
  wait ${pids[@]+"${pids[@]}"}
  cloud=$(<"$work/cloud")
  pids=()
  (access_route) 2>/dev/null || linked=no
  while read -r host address; do
    power=$(jq -r --arg host "$host" '.hosts[$host] // "running"' <<<"$cloud")
    if [ "$address" = null ] || [ "$power" != running ]; then
      echo stopped >"$work/$host.err"
      continue
    elif [ "$linked" = no ]; then
      echo "no link of this machine leads there; run: npm run up" >"$work/$host.err"
      continue
    fi
    access_ssh "$host" timeout 20 bash -s <"$root/scripts/dev/status-host.sh" \
      >"$work/$host.out" 2>"$work/$host.err" &
    pids+=($!)
  done < <(jq -r '.[] | "\(.names[0]) \(.address)"' <<<"$hosts_json")
  wait "${pids[@]}" || true

  {
    printf 'HOST\tPUBLIC\tPRIVATE\tUP\tSERVICE\tSTATE\tDISK\tROLE\n'
    while IFS=$'\t' read -r host public private; do
      file=$work/$host.out
      if ! grep -qsx 'end' "$file"; then
        printf '%s\t%s\t%s\tdown\t-\t-\t-\t%s\n' "$host" "$public" "$private" \
          "$(tail -n 1 "$work/$host.err" | tr -d '\r' | cut -c 1-60)"
        continue
      fi
      printf '%s\t%s\t%s\t%s\n' "$host" "$public" "$private" "$(status_row "$host" "$file")"
    done < <(jq -r 'to_entries[] | [.key, (.value.publicIp | if . == "" then "-" else . end), .value.privateIp] | @tsv' <<<"$hosts_json")
  } >"$work/hosts"
  column -t -s $'\t' "$work/hosts"
  if awk -F '\t' 'NR > 1 && ($4 == "down" || $6 != "active" && $8 != "way in" || $8 ~ /not serving|no answer/) { bad = 1 } END { exit !bad }' "$work/hosts"; then
    sick=1
  fi

  echo
  # Every broker knows all topics: the first that answered tells them.
  file=$(grep -l '^topic ' "$work"/*.out 2>/dev/null | head -n 1 || true)
  if [ -z "$file" ]; then
    echo "no broker tells of any topic"
    sick=1
  else
    {
      printf 'TOPIC\tPARTITION\tLEADER\tREPLICAS\tIN SYNC\t\n'
      awk -F '\t' '$1 ~ /^topic / { sub(/^topic /, "", $1)
        note = split($4, a, ",") > split($5, b, ",") ? "under-replicated" : ""
        print $1 "\t" $2 "\t" $3 "\t" $4 "\t" $5 "\t" note }' "$file"
    } >"$work/topics"
    column -t -s $'\t' "$work/topics"
    if grep -q 'under-replicated' "$work/topics"; then
      sick=1
    fi
  fi
  if [ "$target" = local ]; then
    status_local "$cloud" || sick=1
  fi
  return "$sick"
}

# status_local JSON: what the local cloud itself says; see local-cloud/status.ts.
status_local() {
  local sick=0
  if jq -e '.networks != {}' >/dev/null <<<"$1"; then
    echo
    jq -r '["NETWORK", "DNS", "WAY OUT"], (.networks | to_entries[] | [.key, .value.dns, .value.wayOut]) | @tsv' <<<"$1" |
      column -t -s $'\t'
  fi
  if jq -e 'any(.networks[]; .dns != "ok" or (.wayOut | . != "ok" and . != "none"))' >/dev/null <<<"$1"; then
    sick=1
  fi
  if jq -e .restarted >/dev/null <<<"$1"; then
    printf '\nThe machine was restarted, so the hosts are stopped. Their disks are kept.\nStart them with: npm run up\n'
  elif jq -e 'any(.hosts[]; . == "stopped")' >/dev/null <<<"$1"; then
    printf '\nStopped: %s\nStart with: npm run up\n' \
      "$(jq -r '[.hosts | to_entries[] | select(.value == "stopped").key] | sort | join(", ")' <<<"$1")"
  elif [ "$sick" -ne 0 ]; then
    printf '\nMend the network with: npm run up\n'
  fi
  return "$sick"
}

# status_row HOST FILE: the columns from UP on.
status_row() {
  awk -v host="$1" '
    { name = $1; sub(/^[^ ]+ ?/, ""); value[name] = $0 }
    name == "broker" { split($0, part, " "); if (part[2] ~ "^" host "(\\.|:|$)") id = part[1]; count++ }
    name == "controller" { controller = $0 }
    END {
      if (host ~ /^peter-bastion/) {
        print value["up"] "\t-\t-\t-\tway in"
        exit
      }
      role = value["role"]
      if (value["service"] == "kafka-server") {
        role = count ? (id == "" ? "not serving: registered are " count " brokers, this is none" : "broker " id (id == controller ? ", controller" : "")) : "no answer on port 9092"
      }
      print value["up"] "\t" value["service"] "\t" value["state"] "\t" value["disk"] "\t" role
    }' "$2"
}
