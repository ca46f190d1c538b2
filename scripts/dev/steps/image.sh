#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Steps base and image: the file system that the hosts boot from, in .lab/image.
#
# Inputs: local-cloud/image/, the archives; sourced by setup.sh. KAFKALAB_DEBIAN_MIRROR may be the URL of a
#   Debian mirror. By default mmdebstrap chooses it.
# Idempotence: cache entries. The base is Debian with its packages. The image adds the files of
#   local-cloud/image/root/ and the class data, so a change of these needs only seconds. The cache also keeps
#   packages, so another base needs no download.

image_suite=bookworm

base_key() {
  key "$image_suite" "$(uname -m)" "${KAFKALAB_DEBIAN_MIRROR-}" "$(text_of image base_build base_packages base_hook)" -- \
    local-cloud/image/packages.ec2 local-cloud/image/packages.without local-cloud/image/packages.more \
    local-cloud/image/debian-ec2.sh local-cloud/image/user-ids.sh
}

base_ready() {
  local entry
  entry=$(image_key)
  # If the image exists, its base is not needed.
  [ -d "$cache/images/$entry" ] || entry_whole bases "$(base_key)"
}

base_make() {
  entry_make bases "$(base_key)" base_build
}

base_packages() { # LIST: the names in local-cloud/image/packages.LIST for this architecture
  local architecture=amd64
  if [ "$(uname -m)" = aarch64 ]; then
    architecture=arm64
  fi
  sed -e '/^#/d' -e '/^$/d' "$root/local-cloud/image/packages.$1" |
    awk -v architecture="$architecture" 'NF == 1 || $2 == architecture { print $1 }' | LC_ALL=C sort
}

base_build() { # DIRECTORY
  local packages lock
  packages=$(comm -23 <(base_packages ec2) <(base_packages without) | paste -sd,)
  progress "installing Debian $image_suite"
  mkdir -p "$cache/apt"
  exec {lock}>"$cache/locks/apt-cache"
  flock "$lock"
  # apt takes no quotes in paths, and hooks are lines of shell: in a name space of its own, the
  # directories have plain names.
  # shellcheck disable=SC2016 # the inner shell and mmdebstrap expand $1
  unshare --mount bash -euc '
    mount -t tmpfs tmpfs /mnt
    mkdir /mnt/base /mnt/apt /mnt/image
    mount --bind "$1" /mnt/base
    mount --bind "$2" /mnt/apt
    mount --bind "$3" /mnt/image
    shift 3
    exec mmdebstrap "$@"' base "$1" "$cache/apt" "$root/local-cloud/image" \
    --quiet --variant=minbase --mode=root --format=directory --include="$packages" \
    --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --skip=download/empty --skip=essential/unlink \
    --setup-hook='mkdir -p "$1"/var/cache/apt/archives "$1"/usr/share/man/man1' \
    --setup-hook='sync-in /mnt/apt /var/cache/apt/archives' \
    --essential-hook='sh /mnt/image/user-ids.sh "$1"' \
    --customize-hook='sync-out /var/cache/apt/archives /mnt/apt' \
    --customize-hook="$(base_hook)" \
    --customize-hook='sync-out /var/cache/apt/archives /mnt/apt' \
    "$image_suite" /mnt/base/root ${KAFKALAB_DEBIAN_MIRROR:+"$KAFKALAB_DEBIAN_MIRROR"}
  exec {lock}>&-
}

# The hook of mmdebstrap after the installation of Debian's packages in the tree $1. It saves the tree in the
# state of Debian's EC2 image, lists the packages that are left out, and installs the additional ones.
base_hook() {
  # shellcheck disable=SC2016 # mmdebstrap expands it
  local apt='APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -y --no-install-recommends'
  cat <<HOOK
set -eu
chroot "\$1" /bin/sh -s </mnt/image/debian-ec2.sh
$apt --simulate install $(comm -12 <(base_packages ec2) <(base_packages without) | paste -sd' ') | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | sort >/mnt/base/left-out
cp -a -x "\$1" /mnt/base/ec2
cd /mnt/base/ec2
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/apt etc/apt/apt.conf.d/00mmdebstrap usr/sbin/policy-rc.d
[ ! -e usr/sbin/start-stop-daemon.REAL ] || mv -f usr/sbin/start-stop-daemon.REAL usr/sbin/start-stop-daemon
$apt -oDPkg::Chroot-Directory="\$1" install $(base_packages more | paste -sd' ') >&2
HOOK
}

image_key() {
  # The class data depends on the archive: Apache's, or the one from Maven's jars.
  key "$(base_key)" "$(image_archives | while read -r directory; do cat "$directory/sums" 2>/dev/null; done)" \
    "$(text_of image image_build image_files image_class_data)" -- local-cloud/image scripts/dev/class-data.sh
}

# Prints the directories of the default releases. Only these have class data.
image_archives() {
  local release top
  top=$(archives_root)
  for release in $(archives_default); do
    echo "$top/$(archives_directory "$release")"
  done
}

image_ready() {
  local entry
  entry=$(image_key)
  linked image "$cache/images/$entry/root" && linked image.json "$cache/images/$entry/image.json" &&
    entry_whole images "$entry"
}

image_make() {
  local entry
  entry=$(image_key)
  entry_make images "$entry" image_build "$entry"
  link image "$cache/images/$entry/root"
  link image.json "$cache/images/$entry/image.json"
  # With this link `cache prune` keeps the base, which the next image also needs.
  link base "$cache/bases/$(base_key)"
}

image_build() { # KEY DIRECTORY
  local tree=$2/root base
  base_make
  base=$cache/bases/$(base_key)
  progress "adding the lab's files"
  cp -a "$base/root" "$tree"
  lay_over "$tree" root
  chroot "$tree" /bin/sh -s <"$root/local-cloud/image/customize.sh"
  progress "recording class data"
  image_class_data "$tree"
  # test/integration/image.test.ts compares the image with these lists.
  cp "$base/left-out" "$2/"
  # shellcheck disable=SC2016 # dpkg-query expands it
  chroot "$base/ec2" dpkg-query --show --showformat '${Package}\n' >"$2/ec2.packages"
  image_files "$base/ec2" >"$2/ec2.files"
  describe_image "$1" "$2"
}

lay_over() { # TREE DIRECTORY, of local-cloud/image/
  tar --create --directory "$root/local-cloud/image/$2" --owner=0 --group=0 --mode='u=rwX,go=rX' --sort=name . |
    tar --extract --directory "$1" --no-overwrite-dir --preserve-permissions
}

describe_image() { # KEY DIRECTORY
  local architecture
  architecture=$(chroot "$2/root" dpkg --print-architecture)
  cat >"$2/image.json" <<JSON
{
  "amiId": "ami-${1:0:17}",
  "name": "debian-12-$architecture-kafkalab-${1:0:12}",
  "architecture": "$([ "$architecture" = arm64 ] && echo arm64 || echo x86_64)",
  "created": "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)"
}
JSON
}

# Lists the files of a tree, with one line for the type and one for the content. Leaves out volatile files.
image_files() { # TREE
  local passing=(-path ./dev -o -path ./proc -o -path ./sys -o -path ./run -o -path ./tmp -o -path ./var/cache -o -path ./var/lib/apt)
  (
    cd "$1"
    find . \( "${passing[@]}" \) -prune -o -printf '/%P\tis\t%y %m %U:%G %l\n'
    find . \( "${passing[@]}" \) -prune -o -type f -printf '%P\0' | xargs -0 sha256sum | sed -E 's,^(\S+)  (.*)$,/\2\tholds\t\1,'
  ) | LC_ALL=C sort
}

# Creates a DIRECTORY that a plugin can use as .lab/. It contains Debian's unchanged EC2 image, with its own
# cloud-init and without the packages that install.sh installs. Its hosts need a metadata service.
image_ami() { # DIRECTORY
  local entry name
  entry=$(key "$(base_key)" "$(text_of image image_ami_build lay_over)" -- local-cloud/image/ami local-cloud/image/root)
  entry_make images "$entry" image_ami_build "$entry"
  mkdir -p "$1"
  for name in "$lab"/*; do
    ln -sfn "$(readlink -f "$name")" "$1/${name##*/}"
  done
  ln -sfn "$cache/images/$entry/root" "$1/image"
  ln -sfn "$cache/images/$entry/image.json" "$1/image.json"
}

image_ami_build() { # KEY DIRECTORY
  base_make
  cp -a "$cache/bases/$(base_key)/ec2" "$2/root"
  lay_over "$2/root" ami
  # The local cloud's udev.
  cp "$root/local-cloud/image/root/etc/systemd/system/name-volumes.service" "$2/root/etc/systemd/system/"
  install -D "$root/local-cloud/image/root/usr/lib/kafkalab/name-volumes" "$2/root/usr/lib/kafkalab/name-volumes"
  chroot "$2/root" systemctl --quiet enable name-volumes.service network-devices.service
  describe_image "$@"
}

# Runs the services once in an overlay of the image, in separate namespaces. Only the class data remains.
image_class_data() { # TREE
  local tree=$1 work=$1.class-data
  mkdir "$work"
  # shellcheck disable=SC2016 # expands in the inner shell
  unshare --mount --net --pid --uts --ipc --fork --kill-child bash -euc '
    tree=$1 work=$2 top=$3 archives=$4 script=$5
    mount -t tmpfs tmpfs "$work"
    mkdir "$work/upper" "$work/work" "$work/root"
    # By names without a directory: commas, colons and backslashes have a meaning in these options.
    ln -s "$tree" "$work/tree"
    (cd "$work" && mount -t overlay overlay -o lowerdir=tree,upperdir=upper,workdir=work root)
    mount -t proc proc "$work/root/proc"
    mount -t tmpfs tmpfs "$work/root/tmp"
    while read -r directory; do
      place=$work/root/mnt/archives/${directory#"$top/"}
      mkdir -p "$place"
      mount --bind "$directory" "$place"
    done <<<"$archives"
    ip link set lo up
    hostname localhost # JMX wants a name that resolves
    chroot "$work/root" /bin/bash -s <"$script"
    cp "$work/root/usr/share/kafkalab/class-data"/*.jsa "$tree/usr/share/kafkalab/class-data/"
  ' class-data "$tree" "$work" "$(archives_root)" "$(image_archives)" "$root/scripts/dev/class-data.sh"
  rmdir "$work"
}
