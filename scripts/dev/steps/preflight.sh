#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step preflight: checks that this machine has everything that the lab needs.
#
# Inputs: none; sourced by setup.sh.
# Idempotence: changes nothing, except on Debian and Ubuntu as root: there it prints the missing packages and
#   installs them.

# command, minimum version ("-" for any), Debian package
preflight_list() {
  cat <<'LIST'
node 20.15 nodejs
npm - npm
sha256sum - coreutils
flock - util-linux
jq - jq
ssh - openssh-client
LIST
  case $preflight_scope in
    tools | lab | test)
      cat <<'LIST'
curl - curl
tar - tar
LIST
      ;;
  esac
  case $preflight_scope in
    lab | test)
      cat <<'LIST'
systemd-nspawn 247 systemd-container
mmdebstrap - mmdebstrap
gpgv - gpgv
nft 0.9.8 nftables
dnsmasq 2.80 dnsmasq-base
ip - iproute2
slirp4netns 1.0 slirp4netns
busybox - busybox
ssh-keygen - openssh-client
mkfs.ext4 - e2fsprogs
losetup - mount
nsenter - util-linux
unshare - util-linux
LIST
      ;;
  esac
  case $preflight_scope in
    check | test)
      cat <<'LIST'
git - git
shellcheck - shellcheck
LIST
      ;;
  esac
  case $preflight_scope in
    test)
      cat <<'LIST'
openssl - openssl
java 11 default-jre-headless
kcat - kcat
python3 3.9 python3
LIST
      ;;
  esac
}

# version_found COMMAND: prints the first number in the command's version output.
version_found() {
  local output
  if ! command -v "$1" >/dev/null; then
    return 1
  fi
  output=$("$1" --version 2>/dev/null </dev/null || true)
  [[ $output =~ [0-9]+(\.[0-9]+)* ]] && echo "${BASH_REMATCH[0]}"
}

at_least() { # FOUND NEEDED, dotted numbers
  local found needed part
  IFS=. read -ra found <<<"$1"
  IFS=. read -ra needed <<<"$2"
  for part in "${!needed[@]}"; do
    if [ "$((10#${found[part]:-0}))" -ne "$((10#${needed[part]}))" ]; then
      [ "$((10#${found[part]:-0}))" -gt "$((10#${needed[part]}))" ]
      return
    fi
  done
}

preflight_faults=() # for people
preflight_packages=() # for apt-get

preflight_look() {
  local command needed package found
  preflight_faults=()
  preflight_packages=()
  while read -r command needed package; do
    if [[ $command == node || $command == npm ]] && ! preflight_node "$command" "$needed"; then
      preflight_faults+=("$command $(preflight_node_found "$command"); needed: Node.js 20.15 or later with npm. Install the release of the Node.js project: $(preflight_node_command)")
    elif ! command -v "$command" >/dev/null; then
      preflight_faults+=("$command is missing; needed: $([ "$needed" = - ] && echo "any version" || echo "$needed or later"). Install the package $package.")
      preflight_packages+=("$package")
    elif [ "$needed" != - ]; then
      found=$(version_found "$command")
      if ! at_least "$found" "$needed"; then
        preflight_faults+=("$command has version $found; needed: $needed or later. Install a newer $package; your distribution may have none, then see the site of $command.")
      fi
    fi
  done < <(preflight_list)
  if [[ $preflight_scope =~ ^(lab|test)$ ]] && [ ! -f /usr/share/keyrings/debian-archive-keyring.gpg ]; then
    preflight_faults+=("Debian's archive keys are missing. Install the package debian-archive-keyring.")
    preflight_packages+=(debian-archive-keyring)
  fi
}

# preflight_node COMMAND NEEDED: whether Node.js has that version, or the distribution offers it. Debian 12 and
# Ubuntu 24.04 offer only version 18, which must not be installed.
preflight_node() {
  if command -v "$1" >/dev/null; then
    [ "$2" = - ] || at_least "$(version_found "$1")" "$2"
  else
    at_least "$(apt-cache policy nodejs 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9.]*\).*/\1/p')" 20.15
  fi
}

preflight_node_found() { # COMMAND
  if command -v "$1" >/dev/null; then
    echo "has version $(version_found "$1")"
  else
    echo "is missing"
  fi
}

# Prints a command that installs Node.js if the distribution's version is too old. sudo also finds this place.
preflight_node_command() {
  local version=v20.20.0 machine=x64
  case $(uname -m) in
    aarch64 | arm64) machine=arm64 ;;
  esac
  echo "curl -fsSL https://nodejs.org/dist/$version/node-$version-linux-$machine.tar.gz | sudo tar -xz -C /usr/local --strip-components=1"
}

preflight_machine() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64 | Linux-aarch64) ;;
    *) die "this machine is $(uname -s) on $(uname -m); the local lab needs Linux on x86_64 or aarch64." \
      "Use such a machine, or the stack dev (-s dev), which runs on AWS." ;;
  esac
  if [ "$EUID" -ne 0 ]; then
    die "this runs as $(id -un); needed: root, because the hosts are real systemd machines with networks and disks of their own." \
      "Run it with sudo, or use the stack dev (-s dev), which runs on AWS."
  fi
  if ! grep -qw overlay /proc/filesystems && ! modprobe overlay 2>/dev/null; then
    die "this kernel ($(uname -r)) has no overlay file system; needed: overlay." "Load or build the module overlay."
  fi
}

preflight_ready() {
  preflight_look
  [ ${#preflight_faults[@]} -eq 0 ]
}

preflight_make() {
  if [ ${#preflight_packages[@]} -gt 0 ] && [ "$EUID" -eq 0 ] && command -v apt-get >/dev/null; then
    preflight_install
    preflight_look
  fi
  if [ ${#preflight_faults[@]} -gt 0 ]; then
    die "this machine lacks what the lab needs:" "${preflight_faults[@]}"
  fi
}

# Behaves like a step: prints one line at the start and one at the end. apt's output goes to a log file, and an
# error message contains its path.
preflight_install() {
  # shellcheck disable=SC2034 # progress reads it
  local log=$lab/log/packages.log only=packages
  mkdir -p "$lab/log"
  export KAFKALAB_BEGAN=$EPOCHREALTIME
  if (apt_install "${preflight_packages[@]}") >"$log" 2>&1; then
    progress "done"
  else
    progress "FAILED"
    say "             (all of it: $log)"
  fi
  unset KAFKALAB_BEGAN
  give_away "$lab"
}

apt_install() { # PACKAGE...
  local lock
  progress "installing system packages: $*"
  mkdir -p "$cache/locks"
  exec {lock}>"$cache/locks/apt"
  flock "$lock"
  apt-get update -qq || say "apt-get update failed; trying with the package lists as they are"
  DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends "$@" </dev/null {lock}>&- || {
    say "apt-get could not install: $*"
    return 1
  }
  exec {lock}>&-
}

# need_go VERSION WHY: fails if Go is missing or too old. Go is needed only if releases cannot be downloaded.
need_go() {
  local found
  found=$(go version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p') || true
  # Since 1.21 Go downloads the version that a module requires, unless GOTOOLCHAIN is local.
  if [ -n "$found" ] && { at_least "$found" "$1" || { at_least "$found" 1.21 && [ "$(go env GOTOOLCHAIN)" != local ]; }; }; then
    return
  fi
  die "Go is ${found:+too old: version }${found:-missing}; needed: $1 or later, $2." \
    "Install Go $1 or later (https://go.dev/dl/, or the package golang of a recent distribution) and see that go is on the PATH."
}

# go_build FILE PACKAGE [LINKER-FLAG...]: builds without cgo, as Pulumi's own releases do. All builds use the
# same flags, so that Go compiles shared packages only once.
go_build() {
  local file=$1 package=$2
  shift 2
  CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w $*" -o "$file" "$package"
}

# need_maven WHY: fails if Maven or a JDK is missing. They are needed only if Apache's archive is unreachable.
need_maven() {
  if ! command -v mvn >/dev/null && [ "$EUID" -eq 0 ] && command -v apt-get >/dev/null; then
    apt_install maven default-jre-headless || true
  fi
  if ! command -v mvn >/dev/null; then
    die "mvn is missing; needed: Maven 3.6 or later, $1." "Install the package maven."
  fi
}
