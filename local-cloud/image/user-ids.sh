#!/bin/sh
# Gives the users of a fresh Debian tree ids that no user of this machine has: hosts have no user
# namespace, so equal ids are one user to the kernel.
#
# Inputs: the tree, with its essential packages and no more, since packages make users; mmdebstrap's
#   configuration of apt in MMDEBSTRAP_APT_CONFIG.
# Idempotent: no; it runs once per tree.
set -eu
tree=$1

# Before adduser is there, a file of its own would be a question to whoever installs it.
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get --quiet --yes -o DPkg::Chroot-Directory="$tree" install adduser >&2

# Of the ids that systemd leaves to containers: journald knows that those are no people.
system_first=1700000100 system_last=1700000999
# Of the ids of people, the last ones.
people_first=59000 people_last=59999

# useradd.
set_ids() { # NAME FIRST LAST
  sed -i -E "s/^#?($1_MIN)[[:blank:]].*/\1 $2/; s/^#?($1_MAX)[[:blank:]].*/\1 $3/" "$tree/etc/login.defs"
  grep -qx "$1_MIN $2" "$tree/etc/login.defs" && grep -qx "$1_MAX $3" "$tree/etc/login.defs"
}
for kind in UID GID; do
  set_ids "$kind" "$people_first" "$people_last"
  set_ids "SYS_$kind" "$system_first" "$system_last"
  # adduser.
  cat >>"$tree/etc/adduser.conf" <<CONF
FIRST_SYSTEM_$kind=$system_first
LAST_SYSTEM_$kind=$system_last
FIRST_$kind=$people_first
LAST_$kind=$people_last
CONF
done

# systemd-sysusers takes its ids from a line of what it reads, so each call must read that line.
program=/bin/systemd-sysusers
chroot "$tree" dpkg-divert --quiet --local --no-rename --divert "$program.debian" --add "$program"
mkdir -p "$tree/etc/sysusers.d"
echo "r - $system_first-$system_last" >"$tree/etc/sysusers.d/kafkalab.conf"
cat >"$tree$program" <<'SCRIPT'
#!/bin/sh
# Runs systemd-sysusers with the range of ids that hosts have. Without a file it reads that anyway.
for argument; do
  case $argument in
    - | [!-]*) exec systemd-sysusers.debian "$@" /etc/sysusers.d/kafkalab.conf ;;
  esac
done
exec systemd-sysusers.debian "$@"
SCRIPT
chmod 0755 "$tree$program"
