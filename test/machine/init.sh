#!/usr/bin/env bash
# Becomes PID 1 of a machine: enters its root file system, gives it the file systems and devices that
# a kernel gives, and runs its systemd.
#
#   init.sh ROOT CACHE   runs in mount, PID, UTS, IPC, cgroup and network namespaces of its own
#
# Inputs: ROOT, the machine's tree; CACHE, the set-up's cache of this machine, which it shares.
# Idempotence: all of it ends with the namespaces.
set -euo pipefail

root=$1
cache=$2

mount --bind "$root" "$root"
mkdir -p "$root/var/cache/kafkalab"
mount --bind "$cache" "$root/var/cache/kafkalab"
cd "$root"
mount -t proc proc proc
# Read-only: so systemd knows that udev is not its business.
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/net dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for ((i = 0; i < 3; i++)); do
  ln -s "/proc/self/fd/$i" "dev/$(cut -d ' ' -f $((i + 1)) <<<"stdin stdout stderr")"
done
while read -r name mode type major minor; do
  mknod -m "$mode" "dev/$name" "$type" "$major" "$minor"
done <<'DEVICES'
null 0666 c 1 3
zero 0666 c 1 5
full 0666 c 1 7
random 0666 c 1 8
urandom 0666 c 1 9
tty 0666 c 5 0
fuse 0666 c 10 229
net/tun 0666 c 10 200
loop-control 0660 c 10 237
DEVICES
for ((i = 0; i < 256; i++)); do
  mknod -m 0660 "dev/loop$i" b 7 "$i"
done
# What it says is in its journal.
touch dev/console
mount --bind /dev/null dev/console

hostname debian
pivot_root . mnt
cd /
umount --lazy /mnt
exec env --ignore-environment container=kafkalab \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /sbin/init
