#!/bin/bash
# Opens ZooKeeper's shell: zookeeper-shell.sh host:port [command].
#
# Inputs: the tool's own arguments (--help lists them); environment as kafka-run-class.sh.
# Idempotence: as the tool.
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/kafka-run-class.sh" org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka -server "$@"
