#!/bin/bash
# Configures a service on a lab host and starts it. Comes after kafka.sh or zookeeper.sh, and
# service.sh.
#
# Inputs: those of service.sh; VOLUME_GIB, the size of the data volume; MAY_WAIT, whether there is a
#   later turn for this node (after all others had their first); LIVE_KEYS, the keys whose change
#   needs no restart.
# Idempotent: a service that runs with this content is left alone. Otherwise, where it serves, it
#   is restarted, only while all of the cluster is well, and this waits until all is well again; if
#   it ends over and over, it gets its former content back. A node that leads waits for a later turn.
#   Where it does not serve there is nothing to wait for: the gate of the whole cluster comes later.
#   Nothing below /data is ever deleted.

BOOT_SECONDS=120
WHOLE_SECONDS=300
GROWN_SECONDS=120

volume_grown() { # DEVICE
  local bytes
  bytes=$(blockdev --getsize64 "$1")
  # shellcheck disable=SC2034 # wait_until shows it.
  SEEN="$bytes bytes"
  ((bytes >= VOLUME_GIB << 30))
}

# grow_data: gives the file system all of its volume, which may have grown.
grow_data() {
  local device report
  device=$(findmnt -n -o SOURCE /data)
  wait_until "$GROWN_SECONDS" "the volume of /data not of $VOLUME_GIB GiB" dmesg \
    volume_grown "$device"
  report=$(resize2fs "$device" 2>&1) ||
    fail "the file system of /data not grown to $VOLUME_GIB GiB; last saw $(tail -n 1 <<<"$report"). Grow it by hand: resize2fs $device"
}

# changed_keys: the keys of CONFIG whose lines are others than those in the file.
changed_keys() {
  comm -3 <(grep -v '^#' "$LINK/$CONFIG_FILE" | sort) <(grep -v '^#' <<<"$CONFIG" | sort) |
    sed -n 's/^\t*\([^=]*\)=.*/\1/p' | sort -u
}

# live_only KEY...: whether nothing but these has changed, and the service can change them live.
live_only() {
  local key unit=/etc/systemd/system/$SERVICE.service
  (($# > 0)) || return 1
  # The files are what the service runs with.
  cmp -s "/etc/kafkalab/$SERVICE.content" "/run/$SERVICE/content" || return 1
  [[ $(readlink "$LINK") == "$DIRECTORY" ]] || return 1
  same "$LINK/$LOGGING_FILE" "$LOGGING" && same "$unit" "$UNIT" || return 1
  for key; do
    [[ " $LIVE_KEYS " == *" $key "* ]] || return 1
  done
}

# changed_live KEY...: whether the running service has taken these keys' new values.
changed_live() {
  live_only "$@" || return
  apply_live "$@" || {
    say "$* not changed while $SERVICE runs: $SEEN"
    return 1
  }
}

# content_of FILE: as it was given to put, and a dot, which keeps its last line ends.
content_of() {
  local text
  text=$(cat "$1" && echo .)
  printf '%s' "${text%$'\n'.}."
}

# keep_former: what put_back starts the service with.
keep_former() {
  FORMER_DIRECTORY=$(readlink "$LINK")
  FORMER_CONFIG=$(content_of "$LINK/$CONFIG_FILE")
  FORMER_LOGGING=$(content_of "$LINK/$LOGGING_FILE")
  FORMER_UNIT=$(content_of "/etc/systemd/system/$SERVICE.service")
}

# put_back: Pulumi takes a node whose command has failed for what it was before. So it is.
put_back() {
  local log
  log=$(journalctl -q -u "$SERVICE" -n 400 -o cat | grep -v '^[[:space:]]*at ' | tail -n 15)
  DIRECTORY=$FORMER_DIRECTORY CONFIG=${FORMER_CONFIG%.}
  LOGGING=${FORMER_LOGGING%.} UNIT=${FORMER_UNIT%.}
  write_files "$(content)"
  systemctl restart "$SERVICE"
  wait_until "$WHOLE_SECONDS" "$SERVICE neither back with its new configuration nor with the former one, and the log of the new one $log" \
    "journalctl -u $SERVICE" service_back
  fail "$SERVICE not back with its new configuration: it ended twice. It runs with the former one again, and no further node was touched. Correct the settings and run up again; the log of the new one: $log"
}

# ended_twice: since it was restarted here; systemd waits before it starts it once more.
ended_twice() {
  local -A unit
  local name value
  while IFS='=' read -r name value; do
    unit[$name]=$value
  done < <(systemctl show -p NRestarts -p SubState "$SERVICE")
  ((unit[NRestarts] >= 1)) && [[ ${unit[SubState]} == auto-restart ]]
}

back_or_put_back() {
  service_back && return
  ended_twice || return
  put_back
}

# booted: waits until the host has started what it starts by itself, this service too.
booted() {
  timeout "$BOOT_SECONDS" systemctl is-system-running --wait >/dev/null || true
}

main() {
  local wanted serving=false changed=()
  only_run
  booted
  data_mounted
  hold_back
  wanted=$(content)
  grow_data
  if [[ -e /run/$SERVICE/content ]] && systemctl is-active --quiet "$SERVICE"; then
    if same "/run/$SERVICE/content" "$wanted"; then
      say "$SERVICE runs with this configuration already"
      return
    fi
    if service_serves; then
      serving=true
    fi
  fi
  check_identity
  check_config
  if [[ $serving == false ]]; then
    write_files "$wanted"
    systemctl restart "$SERVICE"
    say "$SERVICE started"
    return
  fi
  mapfile -t changed < <(changed_keys)
  if changed_live "${changed[@]}"; then
    write_files "$wanted"
    cp "/etc/kafkalab/$SERVICE.content" "/run/$SERVICE/content"
    say "$SERVICE runs on with the new ${changed[*]}"
    return
  fi
  if [[ $MAY_WAIT == true ]] && leads; then
    say "$SERVICE leads the others and is restarted after them"
    return
  fi
  wait_until "$WHOLE_SECONDS" "$SERVICE not restarted: the cluster was not whole" \
    "journalctl -u $SERVICE" cluster_whole
  keep_former
  write_files "$wanted"
  systemctl restart "$SERVICE"
  say "$SERVICE restarted"
  wait_until "$WHOLE_SECONDS" "cluster not whole since $SERVICE was restarted here" \
    "journalctl -u $SERVICE" back_or_put_back
  settle_live "${changed[@]}"
}

main </dev/null
