#!/bin/bash
# Opens ZooKeeper's shell: zkCli.sh [-server host:port] [command...]
#
# Inputs: CLIENT_JVMFLAGS, JVMFLAGS, ZK_CLIENT_HEAP (MB, 256), as in Apache's script.
# Idempotence: as the command.
set -euo pipefail

# shellcheck source=zkEnv.sh
. "$(dirname "${BASH_SOURCE[0]}")/zkEnv.sh"

export JVMFLAGS="-Xmx${ZK_CLIENT_HEAP:-256}m ${CLIENT_JVMFLAGS-} ${JVMFLAGS-}"
zk_tool org.apache.zookeeper.ZooKeeperMain "$@"
