/*
 * What drills run on the hosts, as root. A script that lasts says `ready` once it has done its work,
 * and undoes it when its standard input ends, or when anything else ends it.
 */

/** What tells one boot of a host from another. */
export const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

/** What a drill puts on a host; gone with the next boot at the latest. */
const DIRECTORY = "/run/kafkalab-drill";
const META = "/data/kafka-logs/meta.properties";

/** A script that does some work, and undoes it when nobody holds it any more. */
export function lasting(work: string, undo: string): string {
  return `set -eu
undo() {
  set +e
  trap - EXIT HUP INT TERM
  ${undo.trim()}
}
trap undo EXIT
trap 'exit 1' HUP INT TERM
${work.trim()}
echo ready
cat >/dev/null
trap - HUP INT TERM
undo
`;
}

const dropIn = (service: string, lines: string) => `
  mkdir -p /run/systemd/system/${service}.service.d
  printf '%s\\n' '[Service]' ${lines} >/run/systemd/system/${service}.service.d/kafkalab-drill.conf
  systemctl daemon-reload`;

const noDropIn = (service: string) => `
  rm -f /run/systemd/system/${service}.service.d/kafkalab-drill.conf
  rmdir /run/systemd/system/${service}.service.d 2>/dev/null
  systemctl daemon-reload`;

/** Kills a service and keeps systemd from starting it, until the end. */
export function keepDown(service: string): string {
  return lasting(
    `${dropIn(service, "Restart=no")}
systemctl kill -s KILL ${service}`,
    `${noDropIn(service)}
  systemctl start ${service}`,
  );
}

/** Drops all packets from and to these addresses, in the network that it runs in. */
export function cutOff(addresses: string[]): string {
  const set = addresses.join(", ");
  return lasting(
    `nft -f - <<'RULES'
table inet kafkalab_drill {
  chain in {
    type filter hook input priority filter
    ip saddr { ${set} } drop
  }
  chain out {
    type filter hook output priority filter
    ip daddr { ${set} } drop
  }
}
RULES`,
    "nft delete table inet kafkalab_drill",
  );
}

/** Writes one message with acks=all through this broker, which has some seconds for it. */
export function produceOne(host: string, topic: string, partition: number): string {
  return `echo unacknowledged | timeout 20 kcat -P -b ${host}:9092 -t ${topic} -p ${partition} -X acks=all -X message.timeout.ms=5000`;
}

/** Takes all that is left to others than root of the file system at /data. */
export function fillDisk(): string {
  const file = "/data/kafkalab-drill.fill";
  return lasting(
    `
: >${file}
part=1
until left=$(df --output=avail -B 4096 /data | tail -n 1) && [ "$left" -eq 0 ]; do
  # The file system needs blocks of its own to note it.
  size=$((left / part * 4096))
  [ "$size" -gt 0 ] || size=4096
  fallocate -o "$(stat -c %s ${file})" -l "$size" ${file} || part=$((part * 2))
  [ "$part" -lt 4096 ]
done`,
    `rm -f ${file}`,
  );
}

/**
 * Gives the broker a clock of its own, which shows the right time so far: libfaketime, for the calls
 * that ask for the time of day. Brokers on one machine share its clock, which stays as it is. Waits
 * are measured by the clock that knows no date; libfaketime keeps its hands off them, or they would
 * end at once, over and over.
 */
export function ownClock(): string {
  return lasting(
    `
mkdir -p ${DIRECTORY}/deb
cd ${DIRECTORY}/deb
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o APT::Sandbox::User=root download libfaketime >&2 ||
  { apt-get -q update >&2 && apt-get -q -o APT::Sandbox::User=root download libfaketime >&2; }
dpkg -x libfaketime_*.deb .
library=$(find "$PWD" -name libfaketime.so.1)
printf '%s' +0 >${DIRECTORY}/clock
chmod -R a+rX ${DIRECTORY}
${dropIn(
  "kafka-server",
  `"Environment=LD_PRELOAD=$library" "Environment=FAKETIME_TIMESTAMP_FILE=${DIRECTORY}/clock" \\
    Environment=FAKETIME_CACHE_DURATION=1 Environment=FAKETIME_DONT_FAKE_MONOTONIC=1 \\
    Environment=FAKETIME_FORCE_MONOTONIC_FIX=0`,
)}
systemctl restart kafka-server`,
    `${noDropIn("kafka-server")}
  rm -rf ${DIRECTORY}
  systemctl restart kafka-server`,
  );
}

/** Has the clock of {@link ownClock} show a time that is so far ahead. */
export function setClock(seconds: number): string {
  return `printf '+%s' ${seconds} >${DIRECTORY}/clock.new && mv ${DIRECTORY}/clock.new ${DIRECTORY}/clock`;
}

const TOPICS = "/usr/local/kafka/bin/kafka-topics.sh --bootstrap-server";

/** Makes a topic whose messages bear the time of the broker that leads, the first of these. */
export function makeClockTopic(bootstrap: string, topic: string, brokers: string[]): string {
  return `${TOPICS} ${bootstrap} --create --topic ${topic} --replica-assignment ${brokers.join(":")} --config message.timestamp.type=LogAppendTime`;
}

/** Writes a message to such a topic, and prints how far ahead in ms is the time that it has got. */
export function readClock(bootstrap: string, topic: string): string {
  return `now=$(date +%s%3N)
echo tick | kcat -P -b ${bootstrap} -t ${topic} -p 0
echo $(($(kcat -C -q -e -b ${bootstrap} -t ${topic} -p 0 -o -1 -f '%T') - now))`;
}

/** Deletes a topic, if it is there. */
export function deleteTopic(bootstrap: string, topic: string): string {
  return `${TOPICS} ${bootstrap} --delete --if-exists --topic ${topic}`;
}

/** Writes another cluster id into what the broker's disk says of itself. */
export function damageClusterId(): string {
  return lasting(
    `
mkdir -p ${DIRECTORY}
cp -p ${META} ${DIRECTORY}/meta.properties
sed -i 's/^cluster\\.id=.*/cluster.id=damaged-by-a-drill/' ${META}`,
    `cmp -s ${DIRECTORY}/meta.properties ${META} || cp -p ${DIRECTORY}/meta.properties ${META}
  rm -rf ${DIRECTORY}`,
  );
}

/** Repairs the cluster id with this line. */
export function writeClusterId(line: string): string {
  return `sed -i 's/^cluster\\.id=.*/${line}/' ${META} && cmp ${DIRECTORY}/meta.properties ${META}`;
}
