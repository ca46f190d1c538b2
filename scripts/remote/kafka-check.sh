#!/bin/bash
# Validates a broker's settings with the wanted release, before a file is written. Comes after common.sh.
#
# Inputs: DIRECTORY (release), CONFIG (server.properties).
# Idempotent: changes nothing.

# check_config: fails if the release rejects a value.
check_config() {
  local report
  report=$("/usr/local/$DIRECTORY/bin/kafka-run-class.sh" kafka.tools.StorageTool info \
    -c <(printf '%s\n' "$CONFIG") 2>&1) && return
  # A report about the data means that the tool has accepted the settings.
  [[ $report != *"Found "* ]] || return 0
  fail "setting \"kafkalab:brokerConfig\": it must hold values that $DIRECTORY takes; got $(
    sed -n 's/^Exception in thread "main" [^:]*: //p' <<<"$report" | head -n 1 | grep . ||
      tail -n 1 <<<"$report"). Nothing was changed here. Correct it and run up again."
}
