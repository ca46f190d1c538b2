#!/bin/sh
# Does to a tree with the packages of Debian's EC2 image what Debian's image configuration then does
# (config_space/bookworm: files and scripts of the classes in packages.ec2).
#
# Inputs: none; runs as root inside the tree (chroot).
# Idempotent: no; it runs once per base.
set -eu

echo "LANG=C.UTF-8" >/etc/default/locale
systemctl --quiet enable systemd-networkd.service systemd-resolved.service
ln -sfn /run/systemd/resolve/resolv.conf /etc/resolv.conf

sed -i 's/^#PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config
echo "ClientAliveInterval 120" >>/etc/ssh/sshd_config

cat >/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg <<'CFG'
apt:
  generate_mirrorlists: true

system_info:
  default_user:
    name: admin
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
    lock_passwd: True
    gecos: Debian
    groups: [adm, audio, cdrom, dialout, dip, floppy, plugdev, sudo, video]
  package_mirrors:
  - arches: [default]
    failsafe:
      primary: https://cdn-aws.deb.debian.org/debian
      security: https://cdn-aws.deb.debian.org/debian-security
CFG
install -d -m 0755 /etc/systemd/timesyncd.conf.d /etc/modprobe.d
printf '[Time]\nFallbackNTP=169.254.169.123 fd00:ec2::123\n' \
  >/etc/systemd/timesyncd.conf.d/01_debian_cloud.conf
printf 'blacklist pcspkr\nblacklist floppy\n' >/etc/modprobe.d/blacklist.conf

rm -f /etc/mailname /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /var/log/alternatives.log \
  /var/log/bootstrap.log /var/log/dpkg.log
rm -rf /var/log/apt
: >/etc/hostname
: >/etc/machine-id
