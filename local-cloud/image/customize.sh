#!/bin/sh
# Turns Debian's EC2 image, overlaid with the files of root/, into the local cloud's image.
# docs/differences.md lists the changes. test/integration/image.test.ts rejects any other change.
#
# Inputs: none; runs as root inside the tree (chroot).
# Idempotent: yes, though it runs once per image.
set -eu

install -d -m 0755 /usr/share/kafkalab/class-data

# local-cloud-init and local-cloud-final do the same as cloud-init in a fraction of the time.
touch /etc/cloud/cloud-init.disabled
install -d -m 0755 /etc/systemd/system-generators
# The other generators look for disks, consoles and old scripts. Each is a separate program at each boot.
for generator in cloud-init-generator systemd-cryptsetup-generator systemd-debug-generator \
  systemd-getty-generator systemd-gpt-auto-generator systemd-hibernate-resume-generator \
  systemd-integritysetup-generator systemd-rc-local-generator systemd-run-generator \
  systemd-system-update-generator systemd-sysv-generator systemd-veritysetup-generator; do
  ln -sf /dev/null "/etc/systemd/system-generators/$generator"
done
systemctl --quiet enable local-cloud-init.service local-cloud-final.service name-volumes.service
systemctl --quiet set-default multi-user.target

# A logind session takes longer than the rest of a login.
pam-auth-update --package --remove systemd

# These units do not work in a container, or only slow down the boot. They are masked, so that no
# dependency can start them.
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
  fstrim.timer remote-fs.target cryptsetup.target integritysetup.target veritysetup.target \
  unattended-upgrades.service man-db.timer

# mmdebstrap has written an id into the file.
: >/etc/machine-id
chmod 0444 /etc/machine-id

rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/*.log /var/log/apt
