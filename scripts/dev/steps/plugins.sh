#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step plugins: the Pulumi plugins `command` and `tls`, in .lab/plugins/.
#
# Inputs: the versions pinned in package-lock.json, offline/plugins/; sourced by setup.sh.
#   KAFKALAB_PLUGINS=stand-in or =official selects the plugins. By default the step uses the official ones
#   if Pulumi's download site can be reached.
#   After step pulumi: Go compiles modules that the CLI and the stand-ins share only once, because their
#   go.mod files have the same versions.
# Idempotence: a cache entry. Each state directory gets links to it (see state_make).

plugins_command=resource-command-v$(package_version @pulumi/command)
plugins_tls=resource-tls-v$(package_version @pulumi/tls)
plugins_site=https://get.pulumi.com/releases/plugins

plugins_key() {
  key "$plugins_command" "$plugins_tls" "$(uname -m)" "${KAFKALAB_PLUGINS-}" \
    "$(text_of plugins plugins_download plugins_compile)" "$(text_of preflight go_build)" -- \
    offline/plugins/go.mod offline/plugins/go.sum \
    offline/plugins/command offline/plugins/tls offline/plugins/internal
}

plugins_ready() {
  local entry
  entry=$(plugins_key)
  linked plugins "$cache/plugins/$entry" && entry_whole plugins "$entry"
}

plugins_make() {
  local entry
  entry=$(plugins_key)
  entry_make plugins "$entry" plugins_build
  link plugins "$cache/plugins/$entry"
}

plugins_build() {
  local from=${KAFKALAB_PLUGINS-} machine=amd64
  case $(uname -m) in
    aarch64 | arm64) machine=arm64 ;;
  esac
  if [ -z "$from" ]; then
    from=stand-in
    if reachable "$plugins_site/pulumi-$plugins_command-linux-$machine.tar.gz"; then
      from=official
    fi
  fi
  case $from in
    official)
      progress "downloading the official plugins"
      pulumi_make
      plugins_download "$1"
      ;;
    stand-in)
      progress "building the stand-ins for the official plugins"
      plugins_compile "$1"
      ;;
    *)
      say "KAFKALAB_PLUGINS must be official or stand-in; got $from"
      return 1
      ;;
  esac
}

plugins_download() { # DIRECTORY
  local plugin name
  for plugin in "$plugins_command" "$plugins_tls"; do
    name=${plugin#resource-}
    PULUMI_HOME=$1/home PULUMI_SKIP_UPDATE_CHECK=true \
      "$lab/bin/pulumi" plugin install resource "${name%-v*}" "${name##*-v}"
    mv "$1/home/plugins/$plugin" "$1/$plugin"
  done
  rm -rf "${1:?}/home"
}

plugins_compile() { # DIRECTORY
  local plugin name
  need_go "$(sed -n 's/^go //p' "$root/offline/plugins/go.mod")" \
    "to build the plugins, because Pulumi's download site cannot be reached"
  for plugin in "$plugins_command" "$plugins_tls"; do
    name=${plugin#resource-}
    name=${name%-v*}
    mkdir "$1/$plugin"
    (
      cd "$root/offline/plugins"
      go_build "$1/$plugin/pulumi-resource-$name" "./$name"
    )
  done
}

# state_refuse: fails if the file system of the state directory cannot contain hosts' disks. The kernel accepts
# no overlayfs layer on these file systems: they lack extended attributes or are overlays themselves.
state_refuse() {
  local there=$state type
  while [ ! -e "$there" ]; do
    there=${there%/*}
    there=${there:-/}
  done
  type=$(stat --file-system --format=%T -- "$there")
  case $type in
    overlayfs | nfs* | cifs | smb* | msdos | fuseblk | fuse | v9fs | isofs | squashfs | ramfs)
      die "KAFKALAB_STATE must be on a file system that can hold the hosts' disks, such as ext4, XFS, Btrfs or tmpfs; $there is on $type." \
        "Name a directory on such a file system: KAFKALAB_STATE=DIRECTORY npm run up"
      ;;
  esac
}

# state_make: creates the state directory, with the plugins in the place where the Pulumi engine looks for
# them. It is cheap, so every run does it. Each test has its own state directory.
state_make() {
  local plugin file place
  if [ ! -d "$state/cloud" ]; then
    state_refuse
  fi
  if [ ! -d "$state" ]; then
    mkdir -p "$state"
    chmod 0700 "$state"
  fi
  # The user may have created the state directory with another mode. These directories contain secrets.
  install --directory --mode=0700 "$state/cloud" "$state/pulumi" "$state/home"
  mkdir -p "$state/home/plugins"
  for plugin in "$lab/plugins"/resource-*; do
    [ -d "$plugin" ] || continue
    place=$state/home/plugins/${plugin##*/}
    mkdir -p "$place"
    for file in "$plugin"/*; do
      if [ "$(readlink "$place/${file##*/}" || true)" != "$(readlink -f "$file")" ]; then
        ln -sfT "$(readlink -f "$file")" "$place/${file##*/}"
      fi
    done
  done
}
