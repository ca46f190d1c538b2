#!/bin/bash
# Records the classes that ZooKeeper, a broker and the command-line tools load in class data archives (CDS).
# The JVM maps these archives and does not have to read and verify the classes again. A broker then opens its
# port in less than half the time.
#
# Inputs: /mnt/archives, with the layout of Apache's archive; runs as root inside the host image, on a
#   temporary overlay, with only a loopback network. It writes
#   /usr/share/kafkalab/class-data/<release>.jsa and <release>-tools.jsa.
# Idempotence: overwrites the archives.
#
# The JVM uses such an archive only with the same class path, jars (by time and size) and Java version, and
# ignores it otherwise. So this script unpacks the releases to the same place as the install script, and runs
# everything like the services.
set -euo pipefail

out=/usr/share/kafkalab/class-data
work=/tmp/class-data
mkdir -p "$out" "$work"
# Tells the lab's own launchers not to use existing class data.
export KAFKA_CLASS_DATA='' ZK_CLASS_DATA=''
jobs=()
trap '[ ${#jobs[@]} -eq 0 ] || kill -KILL "${jobs[@]}" 2>/dev/null || true' EXIT

fail() {
  tail -n 30 "$work"/*.log >&2
  echo "class data: $1" >&2
  exit 1
}

wait_for_port() { # PORT PID
  for _ in {1..3000}; do
    if (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
      return
    fi
    kill -0 "$2" 2>/dev/null || fail "the service of port $1 has ended"
    sleep 0.1
  done
  fail "port $1 not open after 300 s"
}

# end PID ARCHIVE: stops a JVM, which then writes its archive. Apache's own zkServer.sh has a directory on its
# class path. The JVM supports no archive for that, so such a start is not faster.
end() {
  kill "$1"
  wait "$1" || true
  [ -s "$2" ] || echo "class data: $2 was not written"
}

unpack() { # FILE LINK: prints the name of the release
  local name
  name=$(tar --list --file "$1" | sed -n '1s,/.*,,p')
  tar --extract --file "$1" --directory /usr/local --no-same-owner
  ln -sfnT "$name" "/usr/local/$2"
  echo "$name"
}

zookeeper() {
  local id
  # Start an ensemble of three, to record the classes of elections and followers.
  for id in 1 2 3; do
    mkdir -p "$work/zk$id"
    echo "$id" >"$work/zk$id/myid"
    cat >"$work/zk$id.cfg" <<CFG
tickTime=2000
initLimit=10
syncLimit=5
dataDir=$work/zk$id
clientPort=218$id
admin.enableServer=false
4lw.commands.whitelist=srvr,mntr,ruok
autopurge.snapRetainCount=3
autopurge.purgeInterval=1
server.1=127.0.0.1:2888:3888
server.2=127.0.0.1:2889:3889
server.3=127.0.0.1:2890:3890
CFG
  done
  for id in 2 3 1; do
    SERVER_JVMFLAGS="-Xshare:auto $([ "$id" != 1 ] || echo "-XX:ArchiveClassesAtExit=$zk_data")" \
      ZOO_LOG_DIR=$work /usr/local/zookeeper/bin/zkServer.sh start-foreground "$work/zk$id.cfg" >"$work/zk$id.log" 2>&1 &
    jobs+=($!)
    zk[id]=$!
  done
  for id in 1 2 3; do
    wait_for_port "218$id" "${zk[id]}"
  done
}

# Records a list of the classes that a tool loads. The lists of all tools become one archive.
tool() { # NAME ARGUMENT...
  local name=$1
  shift
  KAFKA_OPTS="-Xshare:off -XX:DumpLoadedClassList=$work/$name.classes" \
    "/usr/local/kafka/bin/$name.sh" "$@" >"$work/$name.log" 2>&1 || fail "$name failed"
}

zk=()
for archive in /mnt/archives/zookeeper/zookeeper-*/apache-zookeeper-*; do
  release=$(unpack "$archive" zookeeper)
  release=${release#apache-}
  zk_data=$out/${release%-bin}.jsa
  zookeeper
  for kafka_archive in /mnt/archives/kafka/*/kafka_*; do
    release=$(unpack "$kafka_archive" kafka)
    mkdir -p "$work/kafka"
    cat >"$work/server.properties" <<CFG
broker.id=1
listeners=PLAINTEXT://127.0.0.1:9092
log.dirs=$work/kafka/$release
zookeeper.connect=127.0.0.1:2181,127.0.0.1:2182,127.0.0.1:2183/$release
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
CFG
    LOG_DIR=$work KAFKA_HEAP_OPTS="-Xms256m -Xmx256m" KAFKA_OPTS="-XX:ArchiveClassesAtExit=$out/$release.jsa" JMX_PORT=9999 \
      /usr/local/kafka/bin/kafka-server-start.sh "$work/server.properties" >"$work/kafka.log" 2>&1 &
    broker=$!
    jobs+=("$broker")
    wait_for_port 9092 "$broker"
    unset JMX_PORT
    server=(--bootstrap-server 127.0.0.1:9092)
    tool kafka-topics "${server[@]}" --create --topic t --partitions 1 --replication-factor 1
    mv "$work/kafka-topics.classes" "$work/kafka-topics-create.classes"
    tool kafka-topics "${server[@]}" --describe --topic t
    echo message | tool kafka-console-producer "${server[@]}" --topic t
    tool kafka-console-consumer "${server[@]}" --topic t --from-beginning --max-messages 1 --timeout-ms 20000
    printf '%s\n' 'get -s /brokers/ids/1' version | tool zookeeper-shell 127.0.0.1:2181
    end "$broker" "$out/$release.jsa"
    cat "$work"/*.classes | sort -u >"$work/tools"
    # The same class path as in kafka-run-class.sh.
    class_path=
    for jar in /usr/local/kafka/libs/*.jar; do
      if [[ ${jar##*/} != connect-file-* ]]; then
        class_path=${class_path:+$class_path:}$jar
      fi
    done
    java -Xshare:dump -XX:+UseG1GC -Xmx256m "-XX:SharedClassListFile=$work/tools" \
      "-XX:SharedArchiveFile=$out/$release-tools.jsa" -cp "$class_path" >"$work/dump.log" 2>&1 || fail "no archive for the tools"
  done
  end "${zk[1]}" "$zk_data"
  kill "${zk[2]}" "${zk[3]}"
  wait || true
done
ls -l "$out"
