#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step pulumi: the Pulumi CLI and its Node.js language host, in .lab/bin/.
#
# Inputs: the version pinned in package-lock.json and scripts/dev/go/; sourced by setup.sh.
#   KAFKALAB_PULUMI_RELEASES may name another place that holds Pulumi's releases.
# Idempotence: a cache entry. The official release where it can be had, checked against its
#   published SHA-256 sums; otherwise both are built from Go modules that go.sum pins.

pulumi_version=$(package_version @pulumi/pulumi)
pulumi_releases=${KAFKALAB_PULUMI_RELEASES:-https://github.com/pulumi/pulumi/releases/download}

pulumi_key() {
  key "$pulumi_version" "$(uname -m)" "$(text_of pulumi pulumi_download pulumi_compile)" -- scripts/dev/go
}

pulumi_ready() {
  local entry
  entry=$(pulumi_key)
  linked bin "$cache/tools/$entry" && entry_whole tools "$entry"
}

pulumi_make() {
  local entry
  entry=$(pulumi_key)
  entry_make tools "$entry" pulumi_build
  link bin "$cache/tools/$entry"
}

pulumi_build() {
  local machine=x64 archive sums
  case $(uname -m) in
    aarch64 | arm64) machine=arm64 ;;
  esac
  archive=pulumi-v$pulumi_version-linux-$machine.tar.gz
  sums=pulumi-$pulumi_version-checksums.txt
  if reachable "$pulumi_releases/v$pulumi_version/$sums"; then
    progress "downloading the official release $pulumi_version"
    pulumi_download "$pulumi_releases/v$pulumi_version" "$archive" "$sums" "$1"
  else
    progress "no release site in reach; building $pulumi_version from Go modules (minutes, once)"
    pulumi_compile "$1"
  fi
  "$1/pulumi" version
}

pulumi_download() { # BASE-URL ARCHIVE SUMS DIRECTORY
  local sum
  curl --silent --show-error --fail --location --retry 3 --output "$4/$3" "$1/$3"
  sum=$(awk -v file="$2" '$2 == file || $2 == "*" file { print $1 }' "$4/$3")
  if [ -z "$sum" ]; then
    say "$1/$3 has no sum for $2"
    return 1
  fi
  curl --silent --show-error --fail --location --retry 3 --output "$4/$2" "$1/$2"
  check_sha "$4/$2" sha256 "$sum" "$1/$2"
  tar -xzf "$4/$2" -C "$4" --strip-components=1 --no-same-owner pulumi/pulumi pulumi/pulumi-language-nodejs
  rm "$4/$2" "$4/$3"
}

pulumi_compile() { # DIRECTORY
  need_go 1.25.8 "to build the Pulumi CLI, because its release site cannot be reached"
  (
    cd "$root/scripts/dev/go/pulumi-language-nodejs"
    go build -mod=readonly -trimpath -buildvcs=false -ldflags "-s -w" -o "$1/pulumi-language-nodejs" \
      github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs
  )
  (
    cd "$root/scripts/dev/go/pulumi"
    if ! grep -qxF "require github.com/pulumi/pulumi/pkg/v3 v$pulumi_version" go.mod; then
      say "scripts/dev/go/pulumi/go.mod must require the version of @pulumi/pulumi in package-lock.json, $pulumi_version"
      exit 1
    fi
    go build -mod=readonly -trimpath -buildvcs=false -o "$1/pulumi" \
      -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$pulumi_version" \
      github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
  )
}
