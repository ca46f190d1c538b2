#!/bin/bash
# Opens ZooKeeper's shell: zkCli.sh [-server host:port] [command...]
#
# Inputs: CLIENT_JVMFLAGS, JVMFLAGS, ZK_CLIENT_HEAP (MB, 256), as in Apache's script.
# Idempotence: as the command.
set -euo pipefail

# shellcheck source=zkEnv.sh
. "$(dirname "${BASH_SOURCE[0]}")/zkEnv.sh"

class_data=$(zk_class_data "-tools")
sharing=()
if [ -n "$class_data" ] && [ -r "$class_data" ]; then
  sharing=("-XX:SharedArchiveFile=$class_data")
fi
read -ra flags <<<"${CLIENT_JVMFLAGS-} ${JVMFLAGS-}"
exec "$JAVA" "-Xmx${ZK_CLIENT_HEAP:-256}m" "${sharing[@]}" "$LOGBACK" \
  -Dzookeeper.root.logger.level=WARN -cp "$CLASSPATH" "${flags[@]}" \
  org.apache.zookeeper.ZooKeeperMain "$@"
