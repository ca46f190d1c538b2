#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step archives: the Kafka and ZooKeeper releases that the hosts install, in .lab/archives/, with the layout
# of Apache's archive.
#
# Inputs: the pins in components/lib/archives.json, offline/archives/; sourced by setup.sh. The default
#   releases in Pulumi.yaml, and the releases in KAFKALAB_RELEASES ("kafka-3.8.1 ..."). KAFKALAB_APACHE may
#   be the URL of another copy of Apache's archive.
# Idempotence: one cache entry for each release. The entry is Apache's own archive if it is available.
#   Otherwise this step packs an archive with the same layout from the jars in Maven's repository. It is
#   identical on all machines. Both must have the pinned SHA-512 sum. .lab/archives/ contains links to the
#   entries, so existing hosts also find releases that are added later.
#
# Maven's client downloads the jars, because it knows the repository and uses the mirror or proxy in the
# user's own settings.

archives_pins=components/lib/archives.json
archives_apache=${KAFKALAB_APACHE:-https://archive.apache.org/dist}

archives_default() {
  awk '
    /^  kafkalab:(kafka|zookeeper)Version:/ { product = $1; gsub(/kafkalab:|Version:/, "", product) }
    /^ *default:/ && product != "" { print product "-" $2; product = "" }
  ' "$root/Pulumi.yaml"
}

# Prints the wanted releases, one per line. The Pulumi program rejects a release that is not pinned.
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
  local sources=offline/archives/${1%%-*} parts=()
  case $1 in
    kafka-*) parts=("$sources/config" "$sources/launchers.json") ;;
    zookeeper-*) parts=("$sources/conf") ;;
  esac
  key "$(archives_list "$1")" -- "$sources/${1#*-}" "$sources/bin" "${parts[@]}"
}

# The directory of links depends on the pins and the sources of this checkout.
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

# Prints the directory of a release in Apache's archive.
archives_directory() { # RELEASE
  case $1 in
    kafka-*) echo "kafka/${1#*-}" ;;
    zookeeper-*) echo "zookeeper/$1" ;;
  esac
}

# Prints the possible archives of a release, one per line: origin, file, sum.
archives_list() { # RELEASE
  jq -r --arg product "${1%%-*}" --arg version "${1#*-}" '
    .[$product][$version] // [] | .[] | [.origin, .file, .sha512] | join(" ")
  ' "$root/$archives_pins"
}

# The manifest of an entry detects truncated files. The sum also detects changed bytes.
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
  die "no archive of $1 is available." "Set KAFKALAB_APACHE to a place that holds Apache's archive."
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
  # Use a separate local repository: the downloaded jars are useful only here.
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
  if [ -e "$sources/launchers.json" ]; then
    archives_launchers "$sources/launchers.json" "$tree/$top/bin"
  fi
  busybox unzip -q -o -j "$tree/$top/$jars/$license" 'LICENSE*' 'NOTICE*' 'META-INF/LICENSE*' 'META-INF/NOTICE*' -d "$tree/$top"
  # Fix the order, times, owners and modes, so that the archive is identical on all machines.
  find "$tree/$top" -type f -path '*/bin/*' -exec chmod 0755 {} + -o -type f -exec chmod 0644 {} +
  find "$tree/$top" -type d -exec chmod 0755 {} +
  tar --create --file "$file" --directory "$tree" --format=gnu --sort=name --mtime=@1700000000 \
    --owner=0 --group=0 --numeric-owner "$top"
  rm -rf "$tree"
}

# Writes the launchers that only name a class. The table has for each: what it does, its class, and if it
# differs from the other tools, the arguments before the user's, the heap, the file in config/ for its log, the
# name of the process that -daemon leaves behind, and what it must be called with.
archives_launchers() { # TABLE DIRECTORY
  local name
  while read -r name; do
    # shellcheck disable=SC2016 # the launcher expands them
    jq -r --arg name "$name" '
      .[$name] | "#!/bin/bash",
      "# \(.does)",
      "#",
      "# Inputs: the arguments of \(.class | split(".") | last); environment as kafka-run-class.sh.",
      "# Idempotence: as the tool.",
      "set -euo pipefail",
      "",
      "here=$(dirname \"${BASH_SOURCE[0]}\")",
      (select(.usage) |
        "if [ $# -eq 0 ]; then",
        "  echo \"USAGE: $0 \(if .daemon then "[-daemon] " else "" end)\(.usage)\" >&2",
        "  exit 1",
        "fi"),
      (select(.daemon) |
        "options=(-name \(.daemon))",
        "if [ \"$1\" = -daemon ]; then",
        "  options+=(-daemon)",
        "  shift",
        "fi"),
      (select(.heap) | "export KAFKA_HEAP_OPTS=${KAFKA_HEAP_OPTS:-\(.heap)}"),
      (select(.log4j) |
        "export KAFKA_LOG4J_OPTS=${KAFKA_LOG4J_OPTS:--Dlog4j.configuration=file:$here/../config/\(.log4j)}"),
      (["exec \"$here/kafka-run-class.sh\"", (select(.daemon) | "\"${options[@]}\""), .class,
        (.arguments // empty), "\"$@\""] | join(" "))
    ' "$1" >"$2/$name"
  done < <(jq -r 'keys[]' "$1")
}
