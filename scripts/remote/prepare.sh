#!/bin/bash
# Waits until this host has booted, and grows the file system of /data to the size of its volume. Comes after
# common.sh.
#
# Inputs: VOLUME_GIB, the size of the data volume.
# Idempotent: does not change a file system that fills its volume.

BOOT_SECONDS=120
GROWN_SECONDS=120

volume_grown() { # DEVICE
  local bytes
  bytes=$(blockdev --getsize64 "$1")
  # shellcheck disable=SC2034 # wait_until shows it.
  SEEN="$bytes bytes"
  ((bytes >= VOLUME_GIB << 30))
}

grow_data() {
  local device report
  device=$(findmnt -n -o SOURCE /data)
  wait_until "$GROWN_SECONDS" "the volume of /data not of $VOLUME_GIB GiB" dmesg \
    volume_grown "$device"
  report=$(resize2fs "$device" 2>&1) ||
    fail "the file system of /data not grown to $VOLUME_GIB GiB; last saw $(tail -n 1 <<<"$report"). Grow it by hand: resize2fs $device"
}

# booted: waits until the host has started all enabled units, including the service.
booted() {
  timeout "$BOOT_SECONDS" systemctl is-system-running --wait >/dev/null || true
}

main() {
  only_run
  booted
  data_mounted
  grow_data
}

main </dev/null
