#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step archives: the Kafka and ZooKeeper releases that the hosts install, in .lab/archives/, laid out
# as in Apache's archive.
#
# Inputs: the pins in components/lib/archives.json, local-cloud/archives/; sourced by setup.sh.
#   KAFKALAB_APACHE may name another place that holds Apache's archive.
# Idempotence: a cache entry. Apache's own archive where it can be had; otherwise one of the same
#   layout, packed from the jars in Maven's repository and byte for byte the same on each machine.
#   Either must have the pinned SHA-512 sum.
#
# Maven's client fetches the jars, and no script of ours: it knows where the repository is, and uses
# the mirror or proxy of the user's own settings.

archives_pins=components/lib/archives.json
archives_apache=${KAFKALAB_APACHE:-https://archive.apache.org/dist}

archives_key() {
  key -- "$archives_pins" local-cloud/archives
}

archives_ready() {
  local entry
  entry=$(archives_key)
  linked archives "$cache/archives/$entry" && entry_whole archives "$entry" && archives_check "$cache/archives/$entry"
}

archives_make() {
  local entry
  entry=$(archives_key)
  if entry_whole archives "$entry" && ! archives_check "$cache/archives/$entry"; then
    progress "a cached archive is damaged; making it again"
    entry_discard "$cache/archives/$entry"
  fi
  entry_make archives "$entry" archives_build
  link archives "$cache/archives/$entry"
}

# One line a pinned file: product, version, origin, file, sum, directory in the archive.
archives_list() {
  jq -r '
    to_entries[] | .key as $product | .value | to_entries[] | .key as $version | .value[] |
      [$product, $version, .origin, .file, .sha512,
        (if $product == "kafka" then "kafka/" else "zookeeper/zookeeper-" end) + $version] | join(" ")
  ' "$root/$archives_pins"
}

# The manifest of an entry tells truncated files; the sums tell a changed byte.
archives_check() { # DIRECTORY
  (cd "$1" && sha512sum --check --status --strict sums)
}

archives_build() {
  local product version origin file sum directory list have=" "
  list=$(archives_list)
  while read -r product version origin file sum directory; do
    case "$have" in
      *" $product-$version "*) continue ;;
    esac
    mkdir -p "$1/$directory"
    case $origin in
      apache)
        if ! reachable "$archives_apache/$directory/$file"; then
          continue
        fi
        progress "downloading $file"
        curl --silent --show-error --fail --location --retry 3 \
          --output "$1/$directory/$file" "$archives_apache/$directory/$file"
        ;;
      maven)
        progress "packing $file from Maven's jars"
        archives_pack "$product" "$version" "$1/$directory/$file"
        ;;
    esac
    check_sha "$1/$directory/$file" sha512 "$sum" "$file"
    echo "$sum  $directory/$file" >>"$1/sums"
    have="$have$product-$version "
  done <<<"$list"
}

archives_pack() { # PRODUCT VERSION FILE
  local product=$1 version=$2 file=$3 sources=$root/local-cloud/archives/$1 tree=$3.tree top name jars license
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
      say "the jars of $product $version are not those that local-cloud/archives/$product/$version/jars.sha512 pins"
      exit 1
    fi
    for name in *.jar; do
      if ! grep -qF "  $name" "$sources/$version/jars.sha512"; then
        say "$name is not in local-cloud/archives/$product/$version/jars.sha512"
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
