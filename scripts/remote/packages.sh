#!/bin/bash
# Installs the Debian packages of commands that a lab host lacks. Comes after common.sh.
#
# Inputs: PACKAGES ("command=package ..."; for a package without a command, the path of one of its files).
# Idempotent: does nothing if the host has the commands and files. Debian's own daily jobs may hold apt's locks. The
#   script waits for a lock, up to a time limit.

APT_SECONDS=900

install_packages() {
  local pair missing=()
  for pair in $PACKAGES; do
    is_there "${pair%%=*}" || missing+=("${pair#*=}")
  done
  ((${#missing[@]} == 0)) && return
  say "installing ${missing[*]}"
  local deadline=$((SECONDS + APT_SECONDS))
  apt_get "$deadline" update
  apt_get "$deadline" -y install --no-install-recommends "${missing[@]}"
  # The downloaded packages take as much space again.
  apt_get "$deadline" clean
}

is_there() { # COMMAND-OR-PATH
  if [[ $1 == /* ]]; then
    [[ -e $1 ]]
  else
    command -v "$1" >/dev/null
  fi
}

# apt_get DEADLINE ARGUMENT...: runs apt-get. Repeats it while another program holds one of its locks.
# DPkg::Lock::Timeout covers only dpkg's locks, and not those of the lists and the archives.
apt_get() {
  local deadline=$1 log seen=""
  shift
  log=$(mktemp)
  until DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=5 \
    -o Acquire::Retries=5 "$@" </dev/null >"$log" 2>&1 9>&-; do
    if grep -q 'dpkg --configure -a' "$log"; then
      # The host lost power during an installation.
      say "going on with packages that were not configured"
      DEBIAN_FRONTEND=noninteractive dpkg --configure -a --force-confold </dev/null >"$log" 2>&1 9>&- ||
        apt_locked "$log" || apt_failed "$log" "dpkg --configure -a"
    elif ! apt_locked "$log"; then
      apt_failed "$log" "apt-get $*"
    elif ((SECONDS >= deadline)); then
      fail "apt-get $* not done after $APT_SECONDS s: another program holds a lock; last saw $SEEN. See what it does: systemctl status apt-daily.service apt-daily-upgrade.service; then run up again."
    elif [[ $SEEN != "$seen" ]]; then
      seen=$SEEN
      say "waiting for another program: $SEEN"
    fi
    sleep 1
  done
  rm -f "$log"
}

# apt_locked LOG: whether the log reports a lock of another program. Stores that line in SEEN.
apt_locked() {
  SEEN=$(grep -m 1 -E 'Could not get lock|Unable to (lock|acquire)|locked by another process' "$1")
}

# apt_failed LOG COMMAND
apt_failed() {
  local last
  last=$(grep -E '^(E|W|dpkg): ?' "$1" | tail -n 3)
  rm -f "$1"
  fail "$2 failed: ${last:-no message}. Does the host reach Debian's servers? Logs: /var/log/apt/term.log"
}
