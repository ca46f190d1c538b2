#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step npm: the packages of package-lock.json, in node_modules/.
#
# Inputs: package.json, package-lock.json, .npmrc; sourced by setup.sh.
# Idempotence: a stamp in node_modules/ holds the key of what was installed; `npm ci` takes it away
#   before it begins, so a broken-off run is noticed.

npm_stamp=$root/node_modules/.kafkalab-key

npm_key() {
  key "$(node --version)" -- package.json package-lock.json .npmrc
}

npm_ready() {
  [ -f "$npm_stamp" ] && [ "$(<"$npm_stamp")" = "$(npm_key)" ] && [ -d "$root/node_modules/@pulumi/pulumi" ]
}

npm_make() {
  (
    cd "$root"
    rm -f "$npm_stamp"
    npm ci --no-fund --no-audit --loglevel=error
  )
  npm_key >"$npm_stamp"
}
