#!/usr/bin/env bash
# Runs the host image's sshd on this machine, for tests. Hosts run the same sshd, and an installed server
# would listen on this machine's network.
#
# Inputs: sshd's arguments; files in them must be in /tmp.
# Idempotence: the mounts are in a separate namespace and disappear when sshd ends. The image is mounted
# read-only.
set -euo pipefail

image=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.lab/image" && pwd -P)
# shellcheck disable=SC2016 # The inner shell expands it.
exec unshare --mount --propagation private sh -euc '
  image=$1
  shift
  # Other setups share the image, and sshd would write to the log of failed logins in it.
  mount --bind "$image" "$image"
  mount -o remount,bind,ro "$image"
  mount -t tmpfs none "$image/run"
  mkdir "$image/run/sshd"
  # As in the image, root has no password. But the account is not locked: sshd rejects keys of locked users.
  echo "root:*:::::::" >"$image/run/shadow"
  mount --bind "$image/run/shadow" "$image/etc/shadow"
  # An empty home directory, so that no startup file runs before each command.
  mount -t tmpfs none "$image/root"
  for directory in dev proc tmp; do
    mount --rbind "/$directory" "$image/$directory"
  done
  exec chroot "$image" /usr/sbin/sshd "$@"' sh "$image" "$@"
