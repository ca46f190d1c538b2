#!/bin/sh
# Turns a fresh Debian tree with the files of root/ laid over it into the host image.
#
# Inputs: none; runs as root inside the tree (chroot).
# Idempotent: yes, though it runs once per image.
set -eu

# The login user of Debian's EC2 image: no password, keys only, may do everything.
useradd --create-home --shell /bin/bash --comment "Debian" admin
passwd --quiet --lock admin
usermod --append --groups adm,sudo,systemd-journal admin
passwd --quiet --lock root
chmod 0440 /etc/sudoers.d/admin
install -d -m 0755 /var/lib/cloud /usr/share/kafkalab/class-data

echo "LANG=C.UTF-8" >/etc/default/locale
: >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >/etc/hosts
# No entry for devices: volumes are mounted by units of their own.
: >/etc/fstab

# Each host makes its own.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id
: >/etc/machine-id
install -d -m 2755 -g systemd-journal /var/log/journal

systemctl --quiet enable systemd-networkd.service systemd-resolved.service name-volumes.service \
  user-data.service ssh.service
systemctl --quiet set-default multi-user.target

# What a container cannot use, and what only costs time at boot. Masked, so that no dependency
# brings it back.
systemctl --quiet mask \
  console-getty.service getty@.service getty.target getty-static.service serial-getty@.service \
  systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
  systemd-udev-trigger.service systemd-modules-load.service kmod-static-nodes.service \
  systemd-hwdb-update.service systemd-firstboot.service systemd-machine-id-commit.service \
  systemd-remount-fs.service systemd-pstore.service systemd-repart.service systemd-binfmt.service \
  systemd-random-seed.service systemd-sysusers.service systemd-tmpfiles-setup-dev.service \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-initctl.socket \
  systemd-journald-audit.socket systemd-ask-password-console.path systemd-ask-password-wall.path \
  systemd-pcrphase.service systemd-pcrphase-sysinit.service \
  systemd-network-generator.service ldconfig.service systemd-rfkill.socket \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-config.mount sys-kernel-debug.mount \
  sys-kernel-tracing.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer remote-fs.target cryptsetup.target integritysetup.target veritysetup.target

install -d -m 0755 /run/sshd
ssh-keygen -q -t ed25519 -N "" -f /tmp/check
sshd -t -h /tmp/check
rm -r /tmp/check /tmp/check.pub /run/sshd

rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/*.log /var/log/apt
