#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step bundle: the local AWS plugin as one file, .lab/aws.cjs, so that it starts at once.
#
# Inputs: local-cloud/aws/, local-cloud/machine/, shared/ and the pinned packages; sourced by setup.sh;
#   after step npm.
# Idempotence: a cache entry.

bundle_main=local-cloud/aws/main.ts

bundle_key() {
  key "$(text_of bundle bundle_build)" -- \
    local-cloud/aws local-cloud/machine shared package-lock.json
}

bundle_ready() {
  local entry
  if [ ! -f "$root/$bundle_main" ]; then
    return 0
  fi
  entry=$(bundle_key)
  linked aws.cjs "$cache/bundles/$entry/aws.cjs" && entry_whole bundles "$entry"
}

bundle_make() {
  local entry
  entry=$(bundle_key)
  entry_make bundles "$entry" bundle_build
  link aws.cjs "$cache/bundles/$entry/aws.cjs"
}

bundle_build() {
  (
    cd "$root"
    node_modules/.bin/esbuild "$bundle_main" --bundle --platform=node --target=node20 --format=cjs \
      --log-level=warning --legal-comments=none --outfile="$1/aws.cjs"
  )
}
