#!/usr/bin/env bash
# Common part of the scripts in this directory: paths, messages, and the content-addressed cache.
#
# Inputs: KAFKALAB_CACHE and KAFKALAB_STATE, both optional; sourced, not run.
# Idempotence: only defines variables and functions.
# shellcheck disable=SC2034 # the variables are for the files that source this one
set -euo pipefail

# Services on hosts, dnsmasq and other users must be able to read the files, even if the caller has a strict
# umask. Secrets are in directories with a restrictive mode.
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

# place VARIABLE DEFAULT: prints the directory in an environment variable, without symbolic links, like the
# kernel's lists of mounts and loop devices. A relative path starts at the directory where the user called npm.
# Files of hosts below it add about 200 bytes to the path, and the kernel accepts paths of up to 4095 bytes.
place() {
  local path=${!1:-$2}
  # Pulumi and Node.js expect UTF-8. SSH expands ${…}.
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

# give_away PATH...: makes the owner of the checkout the owner of files that root created in it, so that the
# user can change them.
give_away() {
  if [ "$EUID" -eq 0 ] && [ "$(stat --format=%u -- "$root")" -ne 0 ]; then
    chown --recursive --no-dereference --reference="$root" -- "$@"
  fi
}

# quoted TEXT: prints the text as one word of a POSIX shell.
quoted() {
  printf "'%s'" "${1//\'/\'\\\'\'}"
}

# since TIME: prints the seconds since a value of $EPOCHREALTIME, with one decimal.
since() {
  local tenths=$(((${EPOCHREALTIME/./} - ${1/./}) / 100000))
  printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

# key STRING... [-- PATH...]: prints a hash of the strings and of the names, contents and executable bits of
# the files. A directory stands for all of its files. Paths are relative to the checkout, so all clones have
# the same keys.
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

# Prints the source of a step's functions, for the key of an entry. A changed builder must build a new entry.
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

# check_sha FILE ALGORITHM SUM [NAME]: fails with the expected and the found sum if they differ.
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
# An entry is a directory $cache/<kind>/<key>. The setup builds it under another name and renames it, so an
# entry is always complete. .manifest lists its files with sizes and times, to detect damage.

listing() { # DIRECTORY: a directory's own size is left out, since a copy's may differ
  (
    cd "$1" && find . -mindepth 1 ! -name .manifest \( -type d -printf '%y %m %T@ %P\n' -o -printf '%y %m %s %T@ %P -> %l\n' \) |
      LC_ALL=C sort
  )
}

# Also checks the mode: an entry that was built with a user's umask may be unreadable or writable for others.
entry_whole() { # KIND KEY
  local entry=$cache/$1/$2
  [ -f "$entry/.manifest" ] && [[ $(stat --format=%a "$entry") == *5 ]] &&
    listing "$entry" | cmp --silent - "$entry/.manifest"
}

# Removes an entry. Only renames an image that running hosts use.
entry_discard() { # DIRECTORY
  local aside=$1 key
  if [ "${1##*/.}" = "$1" ]; then
    aside=${1%/*}/.broken-${1##*/}-$$
    mv "$1" "$aside"
  fi
  key=$(grep -oE '[0-9a-f]{40}' <<<"${1##*/}")
  # The mount source from local-cloud/machine/instance-disk.ts. Earlier releases used the image's path.
  if grep -qs "^kafkalab:$key " /proc/self/mounts || grep -qsF "lowerdir=${1%/*}/$key/" /proc/self/mounts; then
    progress "the damaged ${1#"$cache"/} is in use by hosts; it stays as $aside"
  else
    rm -rf --one-file-system "$aside"
  fi
}

# entry_make KIND KEY BUILDER [ARGUMENT...]: builds an entry if it is missing or damaged. The last argument of
# the builder is the directory to fill. A concurrent setup waits.
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
    # `builder || …` would disable errexit in the builder and in everything that it calls.
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

# link NAME TARGET: makes .lab/NAME a link to the target.
link() {
  mkdir -p "$lab"
  if [ "$(readlink "$lab/$1" || true)" != "$2" ]; then
    ln -sfnT "$2" "$lab/.$1.$$"
    mv -fT "$lab/.$1.$$" "$lab/$1"
  fi
}

# note_user: records in the cache that this checkout and this state directory use it. `cache prune` keeps
# their entries. See cli/cache/users.ts.
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
