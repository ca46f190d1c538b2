#!/bin/bash
# Configures a service on a lab host and starts it. Comes after kafka.sh or zookeeper.sh.
#
# Inputs: SERVICE (unit), SERVICE_USER, DIRECTORY (release), LINK, DATA (data directory), UNIT,
#   CONFIG_FILE and CONFIG, LOGGING_FILE and LOGGING (files below the release, and their texts).
# Idempotent: a service that runs with this content is left alone. Otherwise, where it serves, it
#   is restarted, only while all of the cluster is well, and this waits until all is well again.
#   Where it does not serve there is nothing to wait for: the gate of the whole cluster comes later.
#   Nothing below /data is ever deleted.

WHOLE_SECONDS=300

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
  local unit=/etc/systemd/system/$SERVICE.service changed=false
  mkdir -p /etc/kafkalab
  [[ $(readlink "$LINK") == "$DIRECTORY" ]] || switch_link
  put "$LINK/$CONFIG_FILE" "$CONFIG"
  put "$LINK/$LOGGING_FILE" "$LOGGING"
  same "$unit" "$UNIT" || changed=true
  put "$unit" "$UNIT"
  put "/etc/kafkalab/$SERVICE.content" "$1"
  install -d -m 0750 -o "$SERVICE_USER" -g "$SERVICE_USER" "$DATA"
  # To enable is to have systemd read its units again, too.
  if [[ ! -e /etc/systemd/system/multi-user.target.wants/$SERVICE.service ]]; then
    systemctl enable --quiet "$SERVICE"
  elif [[ $changed == true ]]; then
    systemctl daemon-reload
  fi
}

main() {
  local wanted serving=false
  only_run
  wanted=$(content)
  mountpoint -q /data || fail "the data volume is not mounted at /data; logs: journalctl -u data.mount"
  if [[ -e /run/$SERVICE/content ]] && systemctl is-active --quiet "$SERVICE"; then
    if same "/run/$SERVICE/content" "$wanted"; then
      say "$SERVICE runs with this configuration already"
      return
    fi
    if service_serves; then
      serving=true
    fi
  fi
  check_identity
  if [[ $serving == true ]]; then
    wait_until "$WHOLE_SECONDS" "$SERVICE not restarted: the cluster was not whole" \
      "journalctl -u $SERVICE" cluster_whole
  fi
  write_files "$wanted"
  if [[ $serving == true ]]; then
    systemctl restart "$SERVICE"
    say "$SERVICE restarted"
    wait_until "$WHOLE_SECONDS" "cluster not whole since $SERVICE was restarted here" \
      "journalctl -u $SERVICE" service_back
  else
    systemctl restart --no-block "$SERVICE"
    say "$SERVICE started"
  fi
}

main </dev/null
