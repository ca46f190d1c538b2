#!/bin/bash
# The files that a service is started with, and the note of what they say. Comes after common.sh.
#
# Inputs: SERVICE (unit), SERVICE_USER, DIRECTORY (release), LINK, DATA (data directory), UNIT,
#   CONFIG_FILE and CONFIG, LOGGING_FILE and LOGGING (files below the release, and their texts).
# Idempotent: defines functions only.

content() {
  # shellcheck disable=SC2153 # UNIT is an input.
  printf '%s\n' "$DIRECTORY" "$(grep -v '^#' <<<"$CONFIG")" "$LOGGING" "$UNIT" | sha256sum
}

# switch_link: in one step, so that there is always a release behind it.
switch_link() {
  ln -sfn "$DIRECTORY" "$LINK.new"
  mv -T "$LINK.new" "$LINK"
}

# write_files CONTENT: config, unit, and a note of what the service is about to be started with.
write_files() {
  local unit=/etc/systemd/system/$SERVICE.service release=/usr/local/$DIRECTORY reload=false
  mkdir -p /etc/kafkalab
  note_config
  put "$release/$CONFIG_FILE" "$CONFIG"
  put "$release/$LOGGING_FILE" "$LOGGING"
  # After its files: a host that loses its power in between starts what it ran.
  [[ $(readlink "$LINK") == "$DIRECTORY" ]] || switch_link
  [[ ! -e $unit ]] || same "$unit" "$UNIT" || reload=true
  put "$unit" "$UNIT"
  put "/etc/kafkalab/$SERVICE.content" "$1"
  own_data
  [[ -e /etc/systemd/system/multi-user.target.wants/$SERVICE.service ]] ||
    systemctl enable --quiet --no-reload "$SERVICE"
  # systemd reads by itself a unit that it does not know; to reload all of them takes far longer.
  [[ $reload == false ]] || systemctl daemon-reload
}

# own_data: DATA is the service's. A volume from a host of another image has the ids of that image's
# users. chown changes DATA itself last, so the next run completes an interrupted change.
own_data() {
  if [[ -d $DATA && $(stat -c %U "$DATA") != "$SERVICE_USER" ]]; then
    chown -R "$SERVICE_USER:$SERVICE_USER" "$DATA"
  fi
  install -d -m 0750 -o "$SERVICE_USER" -g "$SERVICE_USER" "$DATA"
}

data_mounted() {
  mountpoint -q /data ||
    fail "the data volume is not mounted at /data; logs: journalctl -u data.mount"
}
