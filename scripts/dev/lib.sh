#!/usr/bin/env bash
# What the scripts here share: where things are, messages, and the content-keyed cache.
#
# Inputs: KAFKALAB_CACHE and KAFKALAB_STATE, both optional; sourced, not run.
# Idempotence: only defines variables and functions.
# shellcheck disable=SC2034 # the variables are for the files that source this one
set -euo pipefail

# Services on hosts, dnsmasq and other users read much of what is made here, whatever umask the caller
# has. Secrets are in directories with a mode of their own.
umask 022

say() {
  printf '%s\n' "$*" >&2
}

die() {
  printf 'kafkalab: %s\n' "$1" >&2
  shift
  if [ $# -gt 0 ]; then
    printf '  %s\n' "$@" >&2
  fi
  exit 1
}

# place VARIABLE DEFAULT: the directory that a variable of the environment names, without symbolic
# links, since the kernel reports mounts and loop devices so. A relative path starts where npm was
# called. What hosts keep below it adds some 200 bytes, and the kernel takes paths of 4095.
place() {
  local path=${!1:-$2}
  # Pulumi and Node.js take texts for UTF-8; SSH takes ${…} for a variable.
  if [[ $path == *[[:cntrl:]]* || $path == *"\${"* ]] || ! iconv -f UTF-8 -t UTF-8 <<<"$path" >/dev/null 2>&1; then
    die "$1 must be UTF-8 text without control characters and without \"\${\"; got $(printf %q "$path")." \
      "Name another directory."
  fi
  if [[ $path != /* ]]; then
    path=${INIT_CWD:-$PWD}/$path
  fi
  path=$(realpath --canonicalize-missing -- "$path")
  if [ "$(printf %s "$path" | wc -c)" -gt 3500 ]; then
    die "$1 must have at most 3500 bytes; got $(printf %s "$path" | wc -c)." "Name a directory with a shorter path."
  fi
  if [ -e "$path" ] && [ ! -d "$path" ]; then
    die "$1 must name a directory; got $path, which is none." "Name another one, or remove that file."
  fi
  printf '%s\n' "$path"
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
if [[ $root == *:* ]]; then
  die "the checkout is $root: a path with a colon cannot be in PATH, where npm and Pulumi need it." \
    "Move the checkout to a path without a colon."
fi
lab=$root/.lab
cache=$(place KAFKALAB_CACHE /var/cache/kafkalab)
state=$(place KAFKALAB_STATE /var/lib/kafkalab)

# give_away PATH...: what root makes in somebody's checkout is that user's, who changes it later.
give_away() {
  if [ "$EUID" -eq 0 ] && [ "$(stat --format=%u -- "$root")" -ne 0 ]; then
    chown --recursive --no-dereference --reference="$root" -- "$@"
  fi
}

# quoted TEXT: one word for any shell of POSIX.
quoted() {
  printf "'%s'" "${1//\'/\'\\\'\'}"
}

# Seconds with one digit since a time taken from $EPOCHREALTIME.
since() {
  local tenths=$(((${EPOCHREALTIME/./} - ${1/./}) / 100000))
  printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

# key STRING... [-- PATH...]: a key of the strings and of the names, contents and executable bits of
# the files, directories taken whole. Paths are relative to the checkout, so each clone has the
# same keys.
key() {
  local strings=()
  while [ $# -gt 0 ] && [ "$1" != "--" ]; do
    strings+=("$1")
    shift
  done
  shift || true
  {
    printf '%s\n' "cache format 2" "${strings[@]}"
    if [ $# -gt 0 ]; then
      cd "$root"
      find "$@" -type f ! -path '*/node_modules/*' -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
      find "$@" -type f -perm -u+x ! -path '*/node_modules/*' | LC_ALL=C sort
    fi
  } | sha256sum | cut -c 1-40
}

# The text of functions of a step, for its key: what makes the entry is part of what it is.
text_of() { # STEP FUNCTION...
  local file=$root/scripts/dev/steps/$1.sh name
  shift
  for name; do
    sed -n "/^$name()/,/^}/p" "$file"
  done
}

reachable() { # URL: does it answer within a few seconds?
  curl --silent --fail --location --head --output /dev/null --connect-timeout 3 --max-time 8 "$1"
}

# check_sha FILE ALGORITHM SUM [NAME]: an error that names the file, the expected and the found sum.
check_sha() {
  local found
  found=$("$2sum" "$1" | cut -d ' ' -f 1)
  if [ "$found" != "${3,,}" ]; then
    say "kafkalab: ${4:-$1} has the wrong ${2^^} sum"
    say "  expected ${3,,}"
    say "  found    $found"
    return 1
  fi
}

# --- The cache -------------------------------------------------------------------------------------
# An entry is a directory $cache/<kind>/<key>. It is built under another name and renamed, so it is
# whole or not there; .manifest lists its files with sizes and times, so a damaged one is noticed.

listing() { # DIRECTORY: a directory's own size is left out, since a copy's may differ
  (
    cd "$1" && find . -mindepth 1 ! -name .manifest \( -type d -printf '%y %m %T@ %P\n' -o -printf '%y %m %s %T@ %P -> %l\n' \) |
      LC_ALL=C sort
  )
}

# An entry that a user's umask has closed, or opened for all, has been so since it was made.
entry_whole() { # KIND KEY
  local entry=$cache/$1/$2
  [ -f "$entry/.manifest" ] && [[ $(stat --format=%a "$entry") == *5 ]] &&
    listing "$entry" | cmp --silent - "$entry/.manifest"
}

# Takes an entry out of the way. Running hosts may stand on an image: such a one is only renamed.
entry_discard() { # DIRECTORY
  local aside=$1 key
  if [ "${1##*/.}" = "$1" ]; then
    aside=${1%/*}/.broken-${1##*/}-$$
    mv "$1" "$aside"
  fi
  key=$(grep -oE '[0-9a-f]{40}' <<<"${1##*/}")
  # As local-cloud/machine/instance-disk.ts mounts it; a host of an earlier release by the image's path.
  if grep -qs "^kafkalab:$key " /proc/self/mounts || grep -qsF "lowerdir=${1%/*}/$key/" /proc/self/mounts; then
    progress "the damaged ${1#"$cache"/} is in use by hosts; it stays as $aside"
  else
    rm -rf --one-file-system "$aside"
  fi
}

# entry_make KIND KEY BUILDER [ARGUMENT...]: makes the entry if it is not there whole. The builder
# gets the directory to fill as its last argument. Two set-ups at once: the second waits.
entry_make() {
  local kind=$1 key=$2 builder=$3 entry=$cache/$1/$2 making=$cache/$1/.making-$2 left
  shift 3
  mkdir -p "$cache/$kind" "$cache/locks"
  exec {entry_lock}>"$cache/locks/$kind-$key"
  flock "$entry_lock"
  if ! entry_whole "$kind" "$key"; then
    if [ -e "$entry" ]; then
      progress "the cached $kind/$key is damaged; making it again"
      entry_discard "$entry"
    fi
    for left in "$making" "$cache/$kind/.broken-$key-"*; do
      if [ -e "$left" ]; then
        entry_discard "$left"
      fi
    done
    mkdir "$making"
    # Not `builder || …`: that would switch off errexit in all that it calls.
    trap 'entry_discard "$cache/'"$kind/.making-$key"'"' EXIT
    (
      trap - EXIT
      "$builder" "$@" "$making"
    ) {entry_lock}>&-
    trap - EXIT
    chmod 0755 "$making"
    listing "$making" >"$making/.manifest"
    sync --file-system "$making/.manifest"
    mv "$making" "$entry"
  fi
  exec {entry_lock}>&-
}

# link NAME TARGET: makes .lab/NAME point at the target.
link() {
  mkdir -p "$lab"
  if [ "$(readlink "$lab/$1" || true)" != "$2" ]; then
    ln -sfnT "$2" "$lab/.$1.$$"
    mv -fT "$lab/.$1.$$" "$lab/$1"
  fi
}

# note_user: notes in the cache that this checkout and this state directory use it. `cache prune` keeps
# what they need. See cli/cache/users.ts.
note_user() {
  local users=$cache/users name
  name=$(printf '%s\0' "$root" "$state" | sha256sum)
  name=$users/${name:0:40}.json
  if [ ! -e "$name" ] && [ -w "$cache" ]; then
    mkdir -p "$users"
    jq -n --arg checkout "$root" --arg state "$state" '$ARGS.named' >"$name.$$"
    mv "$name.$$" "$name"
  fi
}

linked() { # NAME TARGET
  [ "$(readlink "$lab/$1" || true)" = "$2" ]
}

package_version() { # NPM-PACKAGE: as pinned in the lock file
  sed -n "/^    \"node_modules\/${1//\//\\/}\": {/,/\"version\"/s/^ *\"version\": \"\(.*\)\",/\1/p" "$root/package-lock.json"
}
