#!/bin/bash
# Runs a ZooKeeper server:
#   zkServer.sh [--config DIR] {start-foreground|start|stop|restart|status|version|print-cmd} [zoo.cfg]
#
# Inputs: SERVER_JVMFLAGS, JVMFLAGS, ZK_SERVER_HEAP (MB, 1000), ZOO_LOG_DIR, ZOOPIDFILE, and for
#   remote monitoring JMXPORT, as in Apache's script.
# Idempotence: start does nothing when the server runs, stop when it does not.
set -euo pipefail

if [ "${1-}" = "--config" ]; then
  export ZOOCFGDIR=$2
  shift 2
fi
# shellcheck source=zkEnv.sh
. "$(dirname "${BASH_SOURCE[0]}")/zkEnv.sh"

if [ -n "${2-}" ]; then
  ZOOCFG=$2
  if [[ $ZOOCFG != */* ]]; then
    ZOOCFG=$ZOOCFGDIR/$ZOOCFG
  fi
fi
logs=${ZOO_LOG_DIR:-$ZOOKEEPER_PREFIX/logs}

command=()
build_command() {
  local class_data heap flags
  heap=${ZK_SERVER_HEAP:-1000}
  command=("$JAVA" "-Xmx${heap}m" "$LOGBACK" "-Dzookeeper.log.dir=$logs" -XX:+HeapDumpOnOutOfMemoryError
    "-XX:OnOutOfMemoryError=kill -9 %p")
  class_data=$(zk_class_data "")
  if [ -n "$class_data" ] && [ -r "$class_data" ]; then
    command+=("-XX:SharedArchiveFile=$class_data")
  fi
  if [ -n "${JMXPORT-}" ]; then
    command+=(-Dcom.sun.management.jmxremote "-Dcom.sun.management.jmxremote.port=$JMXPORT"
      "-Dcom.sun.management.jmxremote.authenticate=${JMXAUTH:-false}"
      "-Dcom.sun.management.jmxremote.ssl=${JMXSSL:-false}")
  fi
  read -ra flags <<<"${SERVER_JVMFLAGS-} ${JVMFLAGS-}"
  command+=(-cp "$CLASSPATH" "${flags[@]}" "${ZOOMAIN:-org.apache.zookeeper.server.quorum.QuorumPeerMain}" "$ZOOCFG")
}

pid_file() {
  echo "${ZOOPIDFILE:-$(zk_setting dataDir)/zookeeper_server.pid}"
}

running() {
  [ -s "$(pid_file)" ] && kill -0 "$(cat "$(pid_file)")" 2>/dev/null
}

start() {
  if running; then
    echo "already running as process $(cat "$(pid_file)")."
    return
  fi
  build_command
  mkdir -p "$logs" "$(dirname "$(pid_file)")"
  nohup "${command[@]}" >"$logs/zookeeper.out" 2>&1 </dev/null &
  echo $! >"$(pid_file)"
  echo "STARTED"
}

stop() {
  if ! running; then
    echo "no zookeeper to stop"
    return
  fi
  kill "$(cat "$(pid_file)")"
  rm -f "$(pid_file)"
  echo "STOPPED"
}

status() {
  local port answer
  port=$(zk_setting clientPort)
  echo "Using config: $ZOOCFG"
  exec 3<>"/dev/tcp/localhost/${port:-2181}" || {
    echo "Error contacting service. It is probably not running." >&2
    return 1
  }
  printf srvr >&3
  answer=$(cat <&3)
  if ! grep '^Mode: ' <<<"$answer"; then
    echo "Error contacting service: $answer" >&2
    return 1
  fi
}

if [ $# -eq 0 ] || [ "$1" = --help ]; then
  echo "USAGE: $0 [--config DIR] {start-foreground|start|stop|restart|status|version|print-cmd} [zoo.cfg]" >&2
  exit 1
fi
if [ "$1" != version ] && [ ! -r "$ZOOCFG" ]; then
  echo "$0: cannot read the configuration $ZOOCFG" >&2
  exit 1
fi
case $1 in
  start) start ;;
  start-foreground)
    build_command
    exec "${command[@]}"
    ;;
  print-cmd)
    build_command
    printf '%q ' "${command[@]}"
    echo
    ;;
  stop) stop ;;
  restart)
    stop
    start
    ;;
  status) status 2>/dev/null || { echo "Error contacting service. It is probably not running." >&2; exit 1; } ;;
  version) exec "$JAVA" -cp "$CLASSPATH" org.apache.zookeeper.version.VersionInfoMain ;;
  *)
    echo "$0: unknown command $1" >&2
    exit 1
    ;;
esac
