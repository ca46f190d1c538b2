#!/usr/bin/env bash
# Checks the code without running a lab: format, lint, types, shell, unit tests.
#
# Inputs: none.
# Idempotence: changes nothing. It runs every check, and fails at the end if one did.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
failed=()

run() { # NAME COMMAND...
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}

shell_files() {
  git ls-files --cached --others --exclude-standard -- .ci bench cli local-cloud offline scripts test |
    while read -r file; do
      if [ -f "$file" ] && head -n 1 "$file" | LC_ALL=C grep -qaE '^#!.*\b(ba|da)?sh\b'; then
        echo "$file"
      fi
    done
}

shell() {
  local files
  mapfile -t files < <(shell_files)
  shellcheck "${files[@]}"
}

run format node_modules/.bin/prettier --check --log-level warn .
run lint node_modules/.bin/eslint .
run types node_modules/.bin/tsc --noEmit
run shell shell
run unit node_modules/.bin/vitest run --project unit

if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
