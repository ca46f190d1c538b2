#!/usr/bin/env bash
# Makes the root file system of a machine whose PID 1 is systemd, and prints where it is: a small
# Debian with an SSH server, a user kim who may use sudo, and all that the lab needs of a machine.
#
#   tree.sh SUITE   trixie (Debian 13, systemd 257) or bookworm (Debian 12, systemd 252)
#
# Inputs: this machine's npm and, for a suite whose own Node.js is too old, its Node.js; KAFKALAB_CACHE.
# Idempotence: a cache entry, as of the set-up. A machine gets a copy of it.
set -euo pipefail

# shellcheck source=../../scripts/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/dev/lib.sh"

suite=${1:?a Debian release}
packages=(
  systemd systemd-sysv systemd-resolved dbus dbus-user-session libpam-systemd openssh-server sudo
  iproute2 iputils-ping procps psmisc ca-certificates less
  # What the lab would install.
  bsdextrautils busybox curl debian-archive-keyring dnsmasq-base e2fsprogs gpgv jq mmdebstrap nftables
  slirp4netns systemd-container
)
case $suite in
  trixie) packages+=(nodejs) ;;
  bookworm) ;;
  *) die "tree.sh knows trixie and bookworm; got $suite" ;;
esac

progress() {
  say "$*"
}

build() { # DIRECTORY
  local tree=$1/root
  progress "installing Debian $suite for a machine with systemd"
  mmdebstrap --quiet --variant=minbase --mode=root --format=directory \
    --include="$(IFS=,; echo "${packages[*]}")" \
    --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' "$suite" "$tree"
  # npm's package has hundreds of others with it; this machine's is the same program.
  mkdir -p "$tree/usr/local/lib/node_modules"
  cp -RL "$(npm root --global)/npm" "$tree/usr/local/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$tree/usr/local/bin/npm"
  if [ ! -e "$tree/usr/bin/node" ]; then
    cp -L "$(command -v node)" "$tree/usr/local/bin/node"
  fi
  chroot "$tree" npm --version >/dev/null

  echo debian >"$tree/etc/hostname"
  printf '127.0.0.1\tlocalhost\n127.0.1.1\tdebian\n' >"$tree/etc/hosts"
  chroot "$tree" systemd-machine-id-setup
  chroot "$tree" useradd --create-home --shell /bin/bash --groups sudo kim
  echo 'kim ALL=(ALL:ALL) NOPASSWD: ALL' >"$tree/etc/sudoers.d/kim"
  printf '[Match]\nName=en*\n\n[Network]\nDHCP=yes\n' >"$tree/etc/systemd/network/20-wired.network"
  chroot "$tree" systemctl --quiet enable systemd-networkd systemd-resolved ssh
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"
  # What is the business of the machine that runs it.
  chroot "$tree" systemctl --quiet mask systemd-sysctl.service systemd-udevd.service \
    systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-modules-load.service \
    systemd-remount-fs.service console-getty.service getty@tty1.service \
    systemd-networkd-wait-online.service dev-hugepages.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
}

entry=$(key "$suite" "${packages[*]}" "$(uname -m)" "$(npm --version)" "$(node --version)" "$(declare -f build)")
entry_make machines "$entry" build >&2
echo "$cache/machines/$entry/root"
