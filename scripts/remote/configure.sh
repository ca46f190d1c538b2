#!/bin/bash
# Configures a service on a lab host and starts it. Comes after kafka.sh or zookeeper.sh, and
# service.sh.
#
# Inputs: those of service.sh; VOLUME_GIB, the size of the data volume.
# Idempotent: a service that runs with this content is left alone. Otherwise, where it serves, it
#   is restarted, only while all of the cluster is well, and this waits until all is well again.
#   Where it does not serve there is nothing to wait for: the gate of the whole cluster comes later.
#   Nothing below /data is ever deleted.

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

main() {
  local wanted serving=false what=started
  only_run
  wanted=$(content)
  data_mounted
  grow_data
  if [[ -e /run/$SERVICE/content ]] && systemctl is-active --quiet "$SERVICE"; then
    if same "/run/$SERVICE/content" "$wanted"; then
      say "$SERVICE runs with this configuration already"
      return
    fi
    if service_serves; then
      serving=true what=restarted
    fi
  fi
  check_identity
  if [[ $serving == true ]]; then
    wait_until "$WHOLE_SECONDS" "$SERVICE not restarted: the cluster was not whole" \
      "journalctl -u $SERVICE" cluster_whole
  fi
  write_files "$wanted"
  systemctl restart "$SERVICE"
  say "$SERVICE $what"
  if [[ $serving == true ]]; then
    wait_until "$WHOLE_SECONDS" "cluster not whole since $SERVICE was restarted here" \
      "journalctl -u $SERVICE" service_back
  fi
}

main </dev/null
