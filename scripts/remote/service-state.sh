#!/bin/bash
# Prints the state of a service on this host, one "NAME BASE64" per line. Comes after common.sh.
#
# Inputs: SERVICE, LINK, CONFIG_FILE, LOGGING_FILE; SECRETS_DIRECTORY (of the files that hold secrets; prints
#   only their paths); FURTHER (paths of additional files, separated by spaces).
# Idempotent: changes nothing. Prints no line for a missing file.

# tell NAME: prints a line with the content of stdin.
tell() {
  printf '%s %s\n' "$1" "$(base64 -w0)"
}

# tell_file NAME PATH
tell_file() {
  [[ ! -f $2 ]] || tell "$1" <"$2"
}

# tell_secrets: prints a line with the paths of the files that hold secrets, if there are any.
tell_secrets() {
  local paths
  paths=$(compgen -G "$SECRETS_DIRECTORY/*") || return 0
  tell secrets <<<"$paths"
}

main() {
  local path
  systemctl show -p ActiveState -p SubState -p NRestarts "$SERVICE" | tell systemd
  if [[ -e /etc/kafkalab/$SERVICE.content ]]; then
    printf '%s' "$(readlink "$LINK")" | tell release
    tell_file config "$LINK/$CONFIG_FILE"
    tell_file logging "$LINK/$LOGGING_FILE"
    tell_file unit "/etc/systemd/system/$SERVICE.service"
    tell_file written "/etc/kafkalab/$SERVICE.content"
    tell_file running "/run/$SERVICE/content"
  fi
  tell_secrets
  for path in $FURTHER; do
    tell_file "$path" "$path"
  done
}

main </dev/null
