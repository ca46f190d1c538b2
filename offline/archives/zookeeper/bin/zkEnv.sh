#!/bin/bash
# What the launchers of ZooKeeper share; sourced by them, not run.
#
# Inputs: ZOOCFGDIR, ZOOCFG, JAVA_HOME, ZK_CLASS_DATA (a class-data archive that shortens the start; by
#   default the one that the host image has for this release, if it has one).
# Idempotence: only sets variables.
# shellcheck disable=SC2034 # for the files that source this one
export LC_COLLATE=C

# The path that the caller used, link and all: a class-data archive is valid for one path only.
ZOOKEEPER_PREFIX=${ZOOKEEPER_PREFIX:-$(cd -L "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
ZOOCFGDIR=${ZOOCFGDIR:-$ZOOKEEPER_PREFIX/conf}
ZOOCFG=${ZOOCFG:-zoo.cfg}
case $ZOOCFG in
  */*) ;;
  *) ZOOCFG=$ZOOCFGDIR/$ZOOCFG ;;
esac

# Without the directory of the configuration: the JVM takes no class data for a path with one.
CLASSPATH=${CLASSPATH-}
for jar in "$ZOOKEEPER_PREFIX"/lib/*.jar; do
  CLASSPATH=${CLASSPATH:+$CLASSPATH:}$jar
done
LOGBACK=-Dlogback.configurationFile=file:$ZOOCFGDIR/logback.xml

JAVA=java
if [ -n "${JAVA_HOME-}" ]; then
  JAVA=$JAVA_HOME/bin/java
fi

zk_class_data() { # role: "" for the server, "-tools" for the client
  local release
  release=$(basename "$(cd -P "$ZOOKEEPER_PREFIX" && pwd)")
  release=${release#apache-}
  echo "${ZK_CLASS_DATA-/usr/share/kafkalab/class-data/${release%-bin}$1.jsa}"
}

zk_setting() { # name: its last value in the configuration
  sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$ZOOCFG" | tail -n 1
}

zk_tool() { # CLASS ARGUMENT...: replaces this process by a tool
  local class_data sharing=() flags
  class_data=$(zk_class_data "-tools")
  if [ -n "$class_data" ] && [ -r "$class_data" ]; then
    sharing=("-XX:SharedArchiveFile=$class_data")
  fi
  read -ra flags <<<"${JVMFLAGS-}"
  exec "$JAVA" "${sharing[@]}" "$LOGBACK" -Dzookeeper.root.logger.level=WARN -cp "$CLASSPATH" "${flags[@]}" "$@"
}
