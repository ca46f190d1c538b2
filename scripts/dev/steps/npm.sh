#!/usr/bin/env bash
# shellcheck disable=SC2154,SC2164 # setup.sh sources lib.sh first, and sets errexit
# Step npm: the packages of package-lock.json, in node_modules/.
#
# Inputs: package.json, package-lock.json, .npmrc; sourced by setup.sh.
# Idempotence: a cache entry. Each checkout gets a copy, which takes seconds. `npm ci` takes four times as
#   long. A stamp in node_modules/ contains the key of the copied entry.

npm_stamp=$root/node_modules/.kafkalab-key

# The packages do not depend on the version of Node.js, because their install scripts do not run.
npm_key() {
  key "$(uname -m)" -- package.json package-lock.json .npmrc
}

npm_ready() {
  [ -f "$npm_stamp" ] && [ "$(<"$npm_stamp")" = "$(npm_key)" ] && [ -d "$root/node_modules/@pulumi/pulumi" ]
}

npm_make() {
  local entry lock fresh=$root/.node_modules.$$
  entry=$(npm_key)
  # Two commands in one checkout must not exchange the packages at once.
  mkdir -p "$lab"
  exec {lock}>"$lab/npm.lock"
  flock "$lock"
  if npm_ready; then
    exec {lock}>&-
    return
  fi
  # Remove the incomplete copy of an interrupted run.
  rm -rf "$root"/.node_modules.*
  if [ -w "$cache" ]; then
    entry_make npm "$entry" npm_install
    cp -a --reflink=auto "$cache/npm/$entry/node_modules" "$fresh"
  else
    # Checks need no root, so the cache may be read-only.
    mkdir "$fresh.install"
    npm_install "$fresh.install"
    mv "$fresh.install/node_modules" "$fresh"
    rm -rf "$fresh.install"
  fi
  echo "$entry" >"$fresh/.kafkalab-key"
  give_away "$fresh"
  if [ -e "$root/node_modules" ]; then
    mv "$root/node_modules" "$fresh.old"
  fi
  mv -T "$fresh" "$root/node_modules"
  rm -rf "$fresh.old"
  exec {lock}>&-
}

npm_install() { # DIRECTORY
  local options=${NODE_OPTIONS-}
  cp "$root/package.json" "$root/package-lock.json" "$root/.npmrc" "$1"
  (
    cd "$1"
    # npm tells https from http by a stack trace, and the lab's commands disable stack traces.
    NODE_OPTIONS=${options//--stack-trace-limit=0/} npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
  )
}
