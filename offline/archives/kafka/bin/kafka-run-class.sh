#!/bin/bash
# Runs a class of this Kafka release: the core of every other launcher here.
#
# Inputs: [-name NAME] [-daemon] CLASS [ARGUMENT...]; KAFKA_HEAP_OPTS, KAFKA_OPTS, KAFKA_JVM_PERFORMANCE_OPTS,
#   KAFKA_LOG4J_OPTS, KAFKA_JMX_OPTS, JMX_PORT, JAVA_HOME, LOG_DIR as in Apache's scripts.
#   KAFKA_CLASS_DATA is a class-data archive that shortens the start; by default the one that the
#   host image has for this release, if it has one.
# Idempotence: replaces itself by the Java process; with -daemon it leaves one behind, whose output goes to
#   NAME.out in LOG_DIR.
set -euo pipefail
export LC_COLLATE=C

here=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The path that the caller used, link and all: a class-data archive is valid for one path only.
base=${KAFKA_HOME:-$(cd -L "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}

daemon=false
name=kafka
while [ $# -gt 0 ]; do
  case $1 in
    -daemon)
      daemon=true
      shift
      ;;
    -name)
      name=${2:?"-name must be followed by a name"}
      shift 2
      ;;
    *) break ;;
  esac
done
if [ $# -eq 0 ]; then
  echo "USAGE: $0 [-name name] [-daemon] class [argument...]" >&2
  exit 1
fi

class_path=${CLASSPATH-}
for jar in "$base"/libs/*.jar; do
  # A worker of Kafka Connect finds the example connectors only by its plugin.path, as in Apache's script.
  if [[ ${jar##*/} != connect-file-* ]]; then
    class_path=${class_path:+$class_path:}$jar
  fi
done

java=java
if [ -n "${JAVA_HOME-}" ]; then
  java=$JAVA_HOME/bin/java
fi

class_data=/usr/share/kafkalab/class-data/${here##*/}-tools.jsa
if [ "$1" = "kafka.Kafka" ]; then
  class_data=/usr/share/kafkalab/class-data/${here##*/}.jsa
fi
class_data=${KAFKA_CLASS_DATA-$class_data}

read -ra heap <<<"${KAFKA_HEAP_OPTS:--Xmx256M}"
read -ra performance <<<"${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -XX:MaxInlineLevel=15 -Djava.awt.headless=true}"
read -ra logging <<<"${KAFKA_LOG4J_OPTS:--Dlog4j.configuration=file:$base/config/tools-log4j.properties}"
read -ra more <<<"${KAFKA_OPTS-}"
jmx=()
if [ -n "${JMX_PORT-}${KAFKA_JMX_OPTS-}" ]; then
  read -ra jmx <<<"${KAFKA_JMX_OPTS:--Dcom.sun.management.jmxremote=true -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false}"
fi
if [ -n "${JMX_PORT-}" ]; then
  jmx+=("-Dcom.sun.management.jmxremote.port=$JMX_PORT")
fi
sharing=()
if [ -n "$class_data" ] && [ -r "$class_data" ]; then
  sharing=("-XX:SharedArchiveFile=$class_data")
fi

command=("$java" "${heap[@]}" "${performance[@]}" "${sharing[@]}" "${jmx[@]}"
  "-Dkafka.logs.dir=${LOG_DIR:-$base/logs}" "${logging[@]}" -cp "$class_path" "${more[@]}" "$@")
if [ "$daemon" = true ]; then
  mkdir -p "${LOG_DIR:-$base/logs}"
  nohup "${command[@]}" >"${LOG_DIR:-$base/logs}/$name.out" 2>&1 </dev/null &
else
  exec "${command[@]}"
fi
