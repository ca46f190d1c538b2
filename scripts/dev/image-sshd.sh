#!/usr/bin/env bash
# Runs the host image's sshd on this machine, for tests: what hosts run, and no server that would have
# to be installed here, where it would listen to the world.
#
# Inputs: sshd's arguments; files that they name must be in /tmp.
# Idempotence: the mounts are in a name space of its own, and gone when sshd ends. The image itself is
# read-only there.
set -euo pipefail

image=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.lab/image" && pwd -P)
# shellcheck disable=SC2016 # The inner shell expands it.
exec unshare --mount --propagation private sh -euc '
  image=$1
  shift
  # Other set-ups share the image, and sshd would write to its log of failed logins.
  mount --bind "$image" "$image"
  mount -o remount,bind,ro "$image"
  mount -t tmpfs none "$image/run"
  mkdir "$image/run/sshd"
  # As in the image, root has no password; but it is not locked, which would keep keys out, too.
  echo "root:*:::::::" >"$image/run/shadow"
  mount --bind "$image/run/shadow" "$image/etc/shadow"
  # A home of its own, so that no start-up file of this machine runs before each command.
  mount -t tmpfs none "$image/root"
  for directory in dev proc tmp; do
    mount --rbind "/$directory" "$image/$directory"
  done
  exec chroot "$image" /usr/sbin/sshd "$@"' sh "$image" "$@"
