#!/bin/bash
# Writes the files of a service, and the note that identifies them. Comes after common.sh.
#
# Inputs: SERVICE (unit), SERVICE_USER, DIRECTORY (release), LINK, DATA (data directory), UNIT,
#   CONFIG_FILE and CONFIG, LOGGING_FILE and LOGGING (files relative to the release, and their texts), NOTE
#   (of all these files; see operator/service/files.ts), SECRETS (one "PATH BASE64" per line: files that hold
#   secrets; empty if there are none).
# Idempotent: defines functions only.

# write_files: writes the files, and the note of the files that the service starts with next.
write_files() {
  local unit_file=/etc/systemd/system/$SERVICE.service release=/usr/local/$DIRECTORY
  mkdir -p /etc/kafkalab
  # The configuration and the unit name these files.
  write_secrets
  put "$release/$CONFIG_FILE" "$CONFIG"
  put "$release/$LOGGING_FILE" "$LOGGING"
  # Switch the link after the files: a host that loses power in between starts the former release.
  switch_link "$LINK" "$DIRECTORY"
  put "$unit_file" "$UNIT"
  put "/etc/kafkalab/$SERVICE.content" "$NOTE"
  own_data
  [[ -e /etc/systemd/system/multi-user.target.wants/$SERVICE.service ]] ||
    systemctl enable --quiet --no-reload "$SERVICE"
  # systemd loads a new unit by itself. A reload of all units takes far longer.
  [[ $(systemctl show -P NeedDaemonReload "$SERVICE") == no ]] || systemctl daemon-reload
}

# write_secrets: writes the files that hold secrets, atomically. Only root and the group of the service can read
# them.
write_secrets() {
  local path text
  [[ -n $SECRETS ]] || return 0
  while read -r path text; do
    install -d -m 0750 -g "$SERVICE_USER" "${path%/*}"
    [[ $(base64 -w0 "$path" 2>/dev/null) != "$text" ]] || continue
    (umask 077 && printf '%s' "$text" | base64 -d >"$path.new")
    chgrp "$SERVICE_USER" "$path.new"
    chmod 0640 "$path.new"
    mv -f "$path.new" "$path"
  done < <(printf '%s\n' "$SECRETS")
}

# own_data: makes the service's user the owner of DATA. A volume from a host with another image has the ids of
# that image's users. chown changes DATA itself last, so the next run completes an interrupted change.
own_data() {
  if [[ -d $DATA && $(stat -c %U "$DATA") != "$SERVICE_USER" ]]; then
    chown -R "$SERVICE_USER:$SERVICE_USER" "$DATA"
  fi
  install -d -m 0750 -o "$SERVICE_USER" -g "$SERVICE_USER" "$DATA"
}
