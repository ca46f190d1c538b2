#!/bin/bash
# Configures a service on a lab host and starts it. Comes after kafka.sh or zookeeper.sh, and
# service.sh.
#
# Inputs: those of service.sh.
# Idempotent: a service that runs with this content is left alone. Otherwise, where it serves, it
#   is restarted, only while all of the cluster is well, and this waits until all is well again.
#   Where it does not serve there is nothing to wait for: the gate of the whole cluster comes later.
#   Nothing below /data is ever deleted.

WHOLE_SECONDS=300

main() {
  local wanted serving=false what=started
  only_run
  wanted=$(content)
  data_mounted
  if [[ -e /run/$SERVICE/content ]] && systemctl is-active --quiet "$SERVICE"; then
    if same "/run/$SERVICE/content" "$wanted"; then
      say "$SERVICE runs with this configuration already"
      return
    fi
    if service_serves; then
      serving=true what=restarted
    fi
  fi
  check_identity
  if [[ $serving == true ]]; then
    wait_until "$WHOLE_SECONDS" "$SERVICE not restarted: the cluster was not whole" \
      "journalctl -u $SERVICE" cluster_whole
  fi
  write_files "$wanted"
  systemctl restart "$SERVICE"
  say "$SERVICE $what"
  if [[ $serving == true ]]; then
    wait_until "$WHOLE_SECONDS" "cluster not whole since $SERVICE was restarted here" \
      "journalctl -u $SERVICE" service_back
  fi
}

main </dev/null
