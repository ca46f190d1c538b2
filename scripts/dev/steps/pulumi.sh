#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step pulumi: the Pulumi CLI and its Node.js language host, in .lab/bin/.
#
# Inputs: the version pinned in package-lock.json and offline/pulumi/; sourced by setup.sh.
#   KAFKALAB_PULUMI_RELEASES may be the URL of another copy of Pulumi's releases.
# Idempotence: a cache entry. It is the official release if it is available, checked against its published
#   SHA-256 sums. Otherwise this step builds both from Go modules that go.sum pins. A build for local stacks
#   leaves out the code for clouds. The scope tools (for stacks on AWS) replaces it with a complete build.

pulumi_version=$(package_version @pulumi/pulumi)
pulumi_releases=${KAFKALAB_PULUMI_RELEASES:-https://github.com/pulumi/pulumi/releases/download}

pulumi_key() { # BUILD: whole or local
  key "$1" "$pulumi_version" "$(uname -m)" \
    "$(text_of pulumi pulumi_download pulumi_compile pulumi_without_clouds)" "$(text_of preflight go_build)" -- offline/pulumi
}

# Prints the builds that are sufficient. The complete build always is; the local build only for local stacks.
pulumi_builds() {
  echo whole
  if [[ $preflight_scope =~ ^(lab|test)$ ]]; then
    echo local
  fi
}

pulumi_ready() {
  local build entry
  for build in $(pulumi_builds); do
    entry=$(pulumi_key "$build")
    if linked bin "$cache/tools/$entry" && entry_whole tools "$entry"; then
      return
    fi
  done
  return 1
}

pulumi_make() {
  local build=whole entry
  if [[ $preflight_scope =~ ^(lab|test)$ ]] && ! entry_whole tools "$(pulumi_key whole)" && ! pulumi_released; then
    build=local
  fi
  entry=$(pulumi_key "$build")
  entry_make tools "$entry" pulumi_build "$build"
  link bin "$cache/tools/$entry"
}

pulumi_released() {
  reachable "$pulumi_releases/v$pulumi_version/pulumi-$pulumi_version-checksums.txt"
}

pulumi_build() { # BUILD DIRECTORY
  local machine=x64 archive sums
  case $(uname -m) in
    aarch64 | arm64) machine=arm64 ;;
  esac
  archive=pulumi-v$pulumi_version-linux-$machine.tar.gz
  sums=pulumi-$pulumi_version-checksums.txt
  if [ "$1" = whole ] && pulumi_released; then
    progress "downloading the official release $pulumi_version"
    pulumi_download "$pulumi_releases/v$pulumi_version" "$archive" "$sums" "$2"
  else
    progress "cannot reach the release site; building $pulumi_version from Go modules (minutes, once)"
    pulumi_compile "$1" "$2"
  fi
  "$2/pulumi" version
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

pulumi_compile() { # BUILD DIRECTORY
  need_go 1.25.8 "to build the Pulumi CLI, because its release site cannot be reached"
  (
    cd "$root/offline/pulumi/pulumi"
    if ! grep -qxF "require github.com/pulumi/pulumi/pkg/v3 v$pulumi_version" go.mod; then
      say "offline/pulumi/pulumi/go.mod must require the version of @pulumi/pulumi in package-lock.json, $pulumi_version"
      exit 1
    fi
    if [ "$1" = local ]; then
      cp -r "$root/offline/pulumi/pulumi-local" "$2/build"
      cd "$2/build"
      pulumi_without_clouds
    fi
    go_build "$2/pulumi" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi \
      "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$pulumi_version"
  )
  rm -rf "$2/build"
  (
    cd "$root/offline/pulumi/pulumi-language-nodejs"
    go_build "$2/pulumi-language-nodejs" github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs
  )
}

# pulumi_without_clouds: writes the CLI's sources to ./pkg without the code for states, keys and logs in clouds
# and without Pulumi Cloud's API. That code takes most of the build time, and a stack with its state in files
# does not use it. The replacement (_absent/) returns an error for each removed feature.
pulumi_without_clouds() {
  local module=github.com/pulumi/pulumi/pkg/v3 directory left
  # In a module with nothing else, so that nothing else is fetched; go.sum holds the sum.
  mkdir sources
  sed -n "/^module /p; /^go /p; s#^require $module .*#&#p" "$root/offline/pulumi/pulumi/go.mod" >sources/go.mod
  grep "^$module v" "$root/offline/pulumi/pulumi/go.sum" >sources/go.sum
  directory=$(cd sources && go mod download -json "$module@v$pulumi_version" | jq -r .Dir)
  cp -r "$directory" pkg
  chmod -R u+w pkg
  (
    cd pkg
    sed -i -e '/"gocloud.dev\/blob\/\(azure\|gcs\|s3\)blob"/d' -e '/"[^"]*\/backend\/diy\/postgres"/d' \
      -e 's/gcsblob\.Scheme/"gs"/' backend/diy/backend.go
    sed -i -e '/aws-sdk-go-v2/d' -e 's/awss3\.CopyObjectInput/absentS3Copy/' backend/diy/bucket.go
    sed -i -e '/"gocloud.dev\/secrets\//d' -e '/"google.golang.org\/api\//d' -e '/\/authhelpers"$/d' \
      -e '/case gcpkms\.Scheme:/,/default:/{/default:/!d}' secrets/cloud/manager.go
    rm operations/operations_aws.go operations/operations_gcp.go
    find cmd/pulumi/cloud -name '*.go' ! -name envelope.go ! -name resolve.go -delete
    cp -r ../_absent/. .
  )
  # Should Pulumi's sources change, so that something of it comes back, it is noticed here.
  left=$(CGO_ENABLED=0 go list -deps "$module/cmd/pulumi" |
    grep -E '/aws-sdk-go|/azure-sdk-for-go|^cloud\.google\.com/|/hashicorp/vault/|/libopenapi|^github\.com/lib/pq' || true)
  if [ -n "$left" ]; then
    say "pulumi_without_clouds in scripts/dev/steps/pulumi.sh must leave these out of Pulumi $pulumi_version:" "$left"
    exit 1
  fi
}
