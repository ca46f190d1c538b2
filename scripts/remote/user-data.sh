#!/bin/bash
# First boot of a lab host, as root: makes the lab's names resolve, and mounts the data volume at /data.
# cloud-init has already applied the cloud-config with host key, login user, host name and files.
#
# Inputs: VOLUME_ID (of the data volume; empty for a host without one), VOLUME_SECONDS (how long to wait
#   for it).
# Idempotent: can run again. Never formats a volume that contains data.
set -euo pipefail
umask 022

mkdir -p /var/lib/kafkalab
exec >>/var/lib/kafkalab/user-data.log 2>&1
echo "$(date -u) first boot, run by process $PPID"

# systemd-resolved started before cloud-init wrote the search domain. No service of the lab runs yet: a
# service that resolved a short name earlier would cache it as missing.
systemctl restart systemd-resolved.service

if [[ -z $VOLUME_ID ]]; then
  touch /var/lib/kafkalab/user-data-done
  exit
fi

# Find the device by volume id: NVMe device names depend on the instance type and change between boots.
device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VOLUME_ID/-/}
until [[ -b $device ]]; do
  if ((SECONDS >= VOLUME_SECONDS)); then
    echo "data volume $VOLUME_ID not attached after $VOLUME_SECONDS s; last saw: $(ls /dev/disk/by-id 2>&1)"
    exit 1
  fi
  sleep 0.1
done

# blkid exits with 2 if it recognizes nothing. A volume is new only if it also begins with zeros.
found=0
blkid -p "$device" || found=$?
if [[ $found == 2 ]] && cmp -s -n 1048576 "$device" /dev/zero; then
  mkfs.ext4 -q -m 1 "$device"
elif [[ $found != 0 ]]; then
  echo "data volume $VOLUME_ID holds something that is no file system; it is left alone"
  exit 1
fi

# Mount by UUID, which belongs to the data: a volume from a snapshot keeps it. Without -p blkid also caches
# the result, so that mount finds the volume before udev has created its link.
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
# systemd loads a new unit by itself. A reload of all units takes far longer.
systemctl enable --no-reload data.mount
systemctl start data.mount
touch /var/lib/kafkalab/user-data-done
