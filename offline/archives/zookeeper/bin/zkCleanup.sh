#!/bin/bash
# Deletes old snapshots and transaction logs: zkCleanup.sh -n COUNT keeps the newest COUNT snapshots.
#
# Inputs: the tool's own arguments; JVMFLAGS; ZOOCFGDIR and ZOOCFG, which say where the data is.
# Idempotence: deletes only what is older than the snapshots that it keeps.
set -euo pipefail

# shellcheck source=zkEnv.sh
. "$(dirname "${BASH_SOURCE[0]}")/zkEnv.sh"

directories=()
for name in dataLogDir dataDir; do
  directory=$(zk_setting "$name")
  if [ -n "$directory" ]; then
    directories+=("$directory")
  fi
done
zk_tool org.apache.zookeeper.server.PurgeTxnLog "${directories[@]}" "$@"
