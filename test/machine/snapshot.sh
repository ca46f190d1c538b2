#!/usr/bin/env bash
# Prints all of a machine that a lab may touch, a line each, so that two lists can be compared.
#
# Inputs: none; runs as root in the machine (see init.sh).
# Idempotence: only looks.
set -euo pipefail
export LC_ALL=C

section() { # NAME
  sed "s|^|$1: |"
}

# What a login, a timer or a look like this one brings along.
passing='session-|user@|user-|run-user|\.timer |systemd-(tmpfiles|hostnamed|timedated|localed|userwork)'

ip -oneline link show | sed -E 's/^[0-9]+: //; s/ qlen [0-9]+//' | section link
ip -oneline -4 address show | sed -E 's/^[0-9]+: //; s/ valid_lft.*//' | section address
ip -4 route show table all | section route
ip rule show | section rule
ip netns list | section namespace
nft list ruleset | sed -E 's/counter packets [0-9]+ bytes [0-9]+/counter/' | section firewall
sysctl --all 2>/dev/null | grep -E '^(net|fs\.inotify|vm)\.' |
  grep -vE 'nf_conntrack_|\.random|fastopen_key|\.(conf|neigh)\.(kl-|docker)|tcp_mem|udp_mem|vm\.stat' | section sysctl
systemctl list-units --all --full --plain --no-legend | awk '{ print $1, $2, $3 }' | grep -vE "$passing" | section unit
findmnt --noheadings --list --output TARGET,FSTYPE,SOURCE | grep -v '/run/user/' | section mount
find /sys/fs/cgroup -type d | grep -vE "$passing" | section cgroup
losetup --noheadings --raw --output BACK-INO,BACK-FILE | while read -r inode backing; do
  # The kernel shows those of other machines as well, whose files may have the same names.
  if [ "$(stat --format=%i "$backing" 2>/dev/null)" = "$inode" ]; then echo "$backing"; fi
done | section 'loop device'
find /dev /run -mindepth 1 ! -path '/dev/pts/*' ! -path '/run/log/*' -printf '%M %u %p\n' |
  grep -vE '/run/(user|systemd/(sessions|users|seats|units|transient|netif|inaccessible|journal/streams|resolve|userdb)|credentials|sudo|utmp|systemd/propagate/systemd-)' | section file
find /etc -printf '%M %u %T@ %p %l\n' | section file
find /boot /opt /root /srv /tmp /home /usr/local /var/lib /var/spool /var/tmp -printf '%M %u %p\n' |
  grep -vE '/var/lib/(systemd|private|apt|dpkg|docker|containerd)|/home/kim/kafkalab/|/(root|home/kim)/\.(npm|cache)|systemd-private-' | section file
# shellcheck disable=SC2009 # pgrep tells no control groups
ps -e -o user=,comm=,cgroup= | grep -vE "$passing|ssh|kworker|\(sd-pam\)" | awk '$1 != "kim"' | grep -vE ' (ps|grep|awk|sed|bash|systemd-userwor)( |$)' | section process
