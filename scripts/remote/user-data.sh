#!/bin/bash
# First boot of a lab host, as root: SSH host key, login user, host name, data volume at /data.
#
# Inputs: FULL_NAME (host name with domain), LOGIN_USER, VOLUME_ID (of the data volume; empty for a
#   host without one), HOST_KEY and HOST_KEY_PUBLIC (Ed25519, OpenSSH). The key pair's public key is
#   where cloud-init put it, with Debian's login user "admin".
# Idempotent: runs again without harm. A volume that holds anything is mounted, never formatted.
set -euo pipefail
umask 022

VOLUME_SECONDS=600

mkdir -p /var/lib/kafkalab
exec >>/var/lib/kafkalab/user-data.log 2>&1

# The pinned host key first: until it is there, who connects refuses this host. It is the only one.
cd /etc/ssh
(umask 077 && printf '%s' "$HOST_KEY" >ssh_host_ed25519_key.new)
mv -f ssh_host_ed25519_key.new ssh_host_ed25519_key
printf '%s' "$HOST_KEY_PUBLIC" >ssh_host_ed25519_key.pub
# Remote commands come all at once, to a bastion for every host; by default sshd turns some away.
printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'MaxStartups 100' >sshd_config.d/kafkalab.conf
find . -name 'ssh_host_*' ! -name 'ssh_host_ed25519_key*' -delete

if ! id "$LOGIN_USER" >/dev/null 2>&1; then
  useradd --create-home --shell /bin/bash "$LOGIN_USER"
fi
echo "$LOGIN_USER ALL=(ALL) NOPASSWD:ALL" >/etc/sudoers.d/kafkalab
chmod 0440 /etc/sudoers.d/kafkalab
# The keys last: who can log in can then do all that it takes.
install -d -m 0700 -o "$LOGIN_USER" -g "$LOGIN_USER" "/home/$LOGIN_USER/.ssh"
install -m 0600 -o "$LOGIN_USER" -g "$LOGIN_USER" /home/admin/.ssh/authorized_keys \
  "/home/$LOGIN_USER/.ssh/authorized_keys"
systemctl --no-block try-reload-or-restart ssh.service

# cloud-init would put its own name back at the next boot.
if [[ -d /etc/cloud/cloud.cfg.d ]]; then
  echo 'preserve_hostname: true' >/etc/cloud/cloud.cfg.d/99_kafkalab.cfg
fi
echo "$FULL_NAME" >/etc/hostname
hostname "$FULL_NAME"

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

# By UUID, which goes with the data: onto a volume made of a snapshot, for one.
uuid=$(blkid -p -s UUID -o value "$device")
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
