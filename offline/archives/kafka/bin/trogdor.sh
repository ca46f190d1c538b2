#!/bin/bash
# Runs Trogdor, Kafka's fault injector: trogdor.sh {agent|coordinator|client|agent-client} [ARGUMENT...]
#
# Inputs: the arguments of the chosen program (--help lists them); environment as kafka-run-class.sh.
# Idempotence: as the program.
set -euo pipefail

usage() {
  echo "USAGE: $0 {agent|coordinator|client|agent-client|help} [argument]..."
  echo "  agent         runs an agent, which injects faults on its node"
  echo "  coordinator   runs the coordinator, which tells agents what to do"
  echo "  client        talks to the coordinator"
  echo "  agent-client  talks to an agent"
}

case ${1:-help} in
  agent) class=org.apache.kafka.trogdor.agent.Agent ;;
  coordinator) class=org.apache.kafka.trogdor.coordinator.Coordinator ;;
  client) class=org.apache.kafka.trogdor.coordinator.CoordinatorClient ;;
  agent-client) class=org.apache.kafka.trogdor.agent.AgentClient ;;
  help | --help)
    usage
    exit
    ;;
  *)
    echo "$0: unknown action $1" >&2
    usage >&2
    exit 1
    ;;
esac
shift
exec "$(dirname "${BASH_SOURCE[0]}")/kafka-run-class.sh" "$class" "$@"
