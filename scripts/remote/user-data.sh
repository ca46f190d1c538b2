#!/bin/bash
# First boot of a lab host, as root: names resolve within the lab, the data volume is at /data. Host
# key, login user, host name and the files that this script makes effective come as cloud-config, which
# cloud-init has applied before.
#
# Inputs: VOLUME_ID (of the data volume; empty for a host without one), VOLUME_SECONDS (how long to wait
#   for it).
# Idempotent: runs again without harm. A volume that holds anything is mounted, never formatted.
set -euo pipefail
umask 022

mkdir -p /var/lib/kafkalab
exec >>/var/lib/kafkalab/user-data.log 2>&1
echo "$(date -u) first boot, run by process $PPID"

# It has started before cloud-init wrote the search domain. No service of the lab runs yet: one that
# looked for a short name before would remember it as missing.
systemctl restart systemd-resolved.service

if [[ -z $VOLUME_ID ]]; then
  touch /var/lib/kafkalab/user-data-done
  exit
fi

# By volume id: the names of NVMe devices differ from type to type and from boot to boot.
device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VOLUME_ID/-/}
until [[ -b $device ]]; do
  if ((SECONDS >= VOLUME_SECONDS)); then
    echo "data volume $VOLUME_ID not attached after $VOLUME_SECONDS s; last saw: $(ls /dev/disk/by-id 2>&1)"
    exit 1
  fi
  sleep 0.1
done

# blkid ends with 2 if it finds nothing it knows. Only a volume that also begins with zeros is new.
found=0
blkid -p "$device" || found=$?
if [[ $found == 2 ]] && cmp -s -n 1048576 "$device" /dev/zero; then
  mkfs.ext4 -q -m 1 "$device"
elif [[ $found != 0 ]]; then
  echo "data volume $VOLUME_ID holds something that is no file system; it is left alone"
  exit 1
fi

# By UUID, which goes with the data: onto a volume made of a snapshot, for one. Without -p blkid also
# notes what it has found, so that mount knows it before udev has made a name of it.
uuid=$(blkid -s UUID -o value "$device")
device_unit=$(systemd-escape --path --suffix=device "/dev/disk/by-uuid/$uuid")
mkdir -p /data
cat >/etc/systemd/system/data.mount <<UNIT
[Unit]
Description=Data volume $VOLUME_ID
# Without udev there is no such unit, and nothing to wait for.
Wants=$device_unit
After=$device_unit

[Mount]
What=UUID=$uuid
Where=/data
Type=ext4
Options=noatime

[Install]
WantedBy=multi-user.target
UNIT
# systemd reads by itself a unit that it does not know; to reload all of them takes far longer.
systemctl enable --no-reload data.mount
systemctl start data.mount
touch /var/lib/kafkalab/user-data-done
