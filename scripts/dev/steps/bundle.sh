#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step bundle: the local AWS plugin as one file, .lab/aws.cjs, and the lab's commands, .lab/cli/. Both start
# fast, because Node.js does not have to compile TypeScript.
#
# Inputs: cli/, local-cloud/aws/, local-cloud/machine/, shared/ and the pinned packages; sourced by
#   setup.sh; after step npm.
# Idempotence: cache entries. If the user cannot write to the cache, the commands are in .lab/ itself.

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

commands_key() {
  key "$(text_of bundle commands_build)" -- \
    cli local-cloud/aws local-cloud/machine shared package-lock.json
}

commands_ready() {
  local entry
  entry=$(commands_key)
  if linked cli "cli-$entry"; then
    [ -e "$lab/cli/main.mjs" ]
  else
    linked cli "$cache/bundles/$entry" && entry_whole bundles "$entry"
  fi
}

commands_make() {
  local entry own
  entry=$(commands_key)
  if [ -w "$cache" ]; then
    entry_make bundles "$entry" commands_build
    link cli "$cache/bundles/$entry"
  else
    own=$lab/cli-$entry
    rm -rf "$lab"/cli-*
    mkdir -p "$own"
    commands_build "$own"
    link cli "cli-$entry"
  fi
}

# Modules that only one command needs are in separate files, which Node.js loads on demand.
commands_build() { # DIRECTORY
  (
    cd "$root"
    # Packages in the older format of modules expect these names.
    node_modules/.bin/esbuild cli/main.ts --bundle --splitting --platform=node --target=node20 --format=esm \
      --banner:js='import { createRequire as bundleRequire } from "node:module";
import { dirname as bundleDirname } from "node:path";
import { fileURLToPath as bundlePath } from "node:url";
const require = bundleRequire(import.meta.url);
const __filename = bundlePath(import.meta.url);
const __dirname = bundleDirname(__filename);' \
      --log-level=warning --legal-comments=none --out-extension:.js=.mjs --outdir="$1"
  )
}
