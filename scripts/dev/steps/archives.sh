#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step archives: the Kafka and ZooKeeper releases that the hosts install, in .lab/archives/, laid out
# as in Apache's archive.
#
# Inputs: the pins in components/lib/archives.json, offline/archives/; sourced by setup.sh. The
#   default releases, as Pulumi.yaml has them, and those that KAFKALAB_RELEASES names
#   ("kafka-3.8.1 ..."). KAFKALAB_APACHE may name another place that holds Apache's archive.
# Idempotence: a cache entry a release. Apache's own archive where it can be had; otherwise one of the
#   same layout, packed from the jars in Maven's repository and byte for byte the same on each machine.
#   Either must have the pinned SHA-512 sum. .lab/archives/ holds links to the entries: hosts that are
#   there find a release that comes later, too.
#
# Maven's client fetches the jars, and no script of ours: it knows where the repository is, and uses
# the mirror or proxy of the user's own settings.

archives_pins=components/lib/archives.json
archives_apache=${KAFKALAB_APACHE:-https://archive.apache.org/dist}

archives_default() {
  awk '
    /^  kafkalab:(kafka|zookeeper)Version:/ { product = $1; gsub(/kafkalab:|Version:/, "", product) }
    /^ *default:/ && product != "" { print product "-" $2; product = "" }
  ' "$root/Pulumi.yaml"
}

# What is wanted, one release a line. One that is not pinned is for the program to refuse.
archives_wanted() {
  local release
  archives_default
  for release in ${KAFKALAB_RELEASES-}; do
    if [ -n "$(archives_list "$release")" ]; then
      echo "$release"
    fi
  done
}

archives_key() { # RELEASE
  local product=${1%%-*} sources=offline/archives/${1%%-*}
  key "$(archives_list "$1")" -- "$sources/${1#*-}" "$sources/bin" \
    "$sources/$([ "$product" = kafka ] && echo config || echo conf)"
}

# What is linked here is as the pins and the sources of this checkout have it.
archives_root() {
  echo "$cache/archives/$(key -- "$archives_pins" offline/archives)"
}

archives_ready() {
  local top release entry
  top=$(archives_root)
  linked archives "$top" || return
  for release in $(archives_wanted); do
    entry=$(readlink "$top/$(archives_directory "$release")") || return
    entry_whole releases "${entry##*/}" && archives_check "$entry" || return
  done
}

archives_make() {
  local top release entry directory
  top=$(archives_root)
  for release in $(archives_wanted); do
    entry=$(archives_key "$release")
    if entry_whole releases "$entry" && ! archives_check "$cache/releases/$entry"; then
      progress "a cached archive is damaged; making it again"
      entry_discard "$cache/releases/$entry"
    fi
    entry_make releases "$entry" archives_build "$release"
    directory=$top/$(archives_directory "$release")
    mkdir -p "${directory%/*}"
    if [ "$(readlink "$directory" || true)" != "$cache/releases/$entry" ]; then
      ln -sfnT "$cache/releases/$entry" "$directory"
    fi
  done
  link archives "$top"
}

# Where a release is in Apache's archive.
archives_directory() { # RELEASE
  case $1 in
    kafka-*) echo "kafka/${1#*-}" ;;
    zookeeper-*) echo "zookeeper/$1" ;;
  esac
}

# One line an archive that may serve for the release: origin, file, sum.
archives_list() { # RELEASE
  jq -r --arg product "${1%%-*}" --arg version "${1#*-}" '
    .[$product][$version] // [] | .[] | [.origin, .file, .sha512] | join(" ")
  ' "$root/$archives_pins"
}

# The manifest of an entry tells truncated files; the sum tells a changed byte.
archives_check() { # DIRECTORY
  (cd "$1" && sha512sum --check --status --strict sums)
}

archives_build() { # RELEASE DIRECTORY
  local origin file sum list url
  list=$(archives_list "$1")
  while read -r origin file sum; do
    case $origin in
      apache)
        url=$archives_apache/$(archives_directory "$1")/$file
        if ! reachable "$url"; then
          continue
        fi
        progress "downloading $file"
        curl --silent --show-error --fail --location --retry 3 --output "$2/$file" "$url"
        ;;
      maven)
        progress "packing $file from Maven's jars"
        archives_pack "${1%%-*}" "${1#*-}" "$2/$file"
        ;;
    esac
    check_sha "$2/$file" sha512 "$sum" "$file"
    echo "$sum  $file" >"$2/sums"
    return
  done <<<"$list"
  die "no archive of $1 is to be had." "Set KAFKALAB_APACHE to a place that holds Apache's archive."
}

archives_pack() { # PRODUCT VERSION FILE
  local product=$1 version=$2 file=$3 sources=$root/offline/archives/$1 tree=$3.tree top name jars license
  need_maven "to fetch the jars of $product, because Apache's archive cannot be reached"
  case $product in
    kafka)
      top=kafka_2.13-$version
      jars=libs
      license=kafka-clients-$version.jar
      ;;
    zookeeper)
      top=apache-zookeeper-$version-bin
      jars=lib
      license=commons-io-2.11.0.jar
      ;;
  esac
  mkdir -p "$tree/$top/$jars" "$cache/maven"
  # The default repository of Maven's client is not touched: what it fetches is of no use but here.
  mvn --quiet --batch-mode --file "$sources/$version/pom.xml" "-Dmaven.repo.local=$cache/maven" \
    dependency:copy-dependencies "-DoutputDirectory=$tree/$top/$jars"
  (
    cd "$tree/$top/$jars"
    if ! sha512sum --check --quiet --strict "$sources/$version/jars.sha512"; then
      say "the jars of $product $version are not those that offline/archives/$product/$version/jars.sha512 pins"
      exit 1
    fi
    for name in *.jar; do
      if ! grep -qF "  $name" "$sources/$version/jars.sha512"; then
        say "$name is not in offline/archives/$product/$version/jars.sha512"
        exit 1
      fi
    done
  )
  for name in bin config conf; do
    if [ -d "$sources/$name" ]; then
      cp -r "$sources/$name" "$tree/$top/$name"
    fi
  done
  busybox unzip -q -o -j "$tree/$top/$jars/$license" 'LICENSE*' 'NOTICE*' 'META-INF/LICENSE*' 'META-INF/NOTICE*' -d "$tree/$top"
  # The same bytes on each machine: fixed order, times, owners and modes.
  find "$tree/$top" -type f -path '*/bin/*' -exec chmod 0755 {} + -o -type f -exec chmod 0644 {} +
  find "$tree/$top" -type d -exec chmod 0755 {} +
  tar --create --file "$file" --directory "$tree" --format=gnu --sort=name --mtime=@1700000000 \
    --owner=0 --group=0 --numeric-owner "$top"
  rm -rf "$tree"
}
