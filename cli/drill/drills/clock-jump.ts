import { kcat } from "../../../shared/kafka-contact";
import { setTimeout as delay } from "node:timers/promises";
import type { Drill } from "../drill";
import { brokerId } from "../lab";
import { deleteTopic, DIRECTORY, dropIn, lasting, noDropIn, kafkaTopics } from "../scripts";

const OUTAGE_SECONDS = 10;
const CLOCK_JUMP_SECONDS = 3600;
/** Time limit for the download of libfaketime and the restart of the broker. */
const PREPARE_SECONDS = 120;
/** Longer than libfaketime caches the clock file (1 s). */
const CLOCK_SECONDS = 2;

/** Shows that sessions and requests do not depend on the wall clock. */
export const clockJump: Drill = {
  name: "clock-jump",
  what: `have a broker's clock jump ${CLOCK_JUMP_SECONDS} s ahead, and back after ${OUTAGE_SECONDS} s`,
  async run(scene) {
    const { lab, load, loadHost, victim } = scene;
    const clock = victim.hold("the clock", ownClock());
    await scene.hold(clock, PREPARE_SECONDS);
    await lab.whole();
    const topic = `${load.topic}-clock`;
    const replicas = [victim, ...lab.brokers.filter((host) => host !== victim)].map(brokerId);
    scene.atEnd(() => loadHost.run(deleteTopic(lab.bootstrap, topic)));
    await loadHost.run(makeClockTopic(lab.bootstrap, topic, replicas));
    const ahead = async () =>
      Math.round(Number(await loadHost.run(readClock(lab.bootstrap, topic))) / 1000);
    const before = load.acknowledged;
    scene.fault();
    await victim.asRoot(setClock(CLOCK_JUMP_SECONDS));
    await delay(CLOCK_SECONDS * 1000);
    scene.observed["secondsAhead"] = await ahead();
    await delay(OUTAGE_SECONDS * 1000);
    await victim.asRoot(setClock(0));
    await delay(CLOCK_SECONDS * 1000);
    scene.observed["secondsAheadAfterwards"] = await ahead();
    scene.observed["acknowledgedMeanwhile"] = load.acknowledged - before;
  },
};

/**
 * Gives the broker its own wall clock through libfaketime. The clock shows the right time at first. All
 * brokers on one machine share the clock of that machine, so the drill must not change it. libfaketime
 * leaves the monotonic clock alone, because that clock measures waits. If that clock
 * jumped, every wait would end at once, again and again.
 */
function ownClock(): string {
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

/** Sets the clock of {@link ownClock} this many seconds ahead of the right time. */
function setClock(seconds: number): string {
  return `printf '+%s' ${seconds} >${DIRECTORY}/clock.new && mv ${DIRECTORY}/clock.new ${DIRECTORY}/clock`;
}

/** Creates a topic whose messages get the time of the leader, which is the first of these brokers. */
function makeClockTopic(bootstrap: string, topic: string, brokers: string[]): string {
  return `${kafkaTopics(bootstrap)} --create --topic ${topic} --replica-assignment ${brokers.join(":")} --config message.timestamp.type=LogAppendTime`;
}

/** Writes a message to that topic, and prints how many ms its timestamp is ahead of the load's host. */
function readClock(bootstrap: string, topic: string): string {
  const command = kcat(bootstrap.split(",")).join(" ");
  return `now=$(date +%s%3N)
echo tick | ${command} -P -t ${topic} -p 0
echo $(($(${command} -C -q -e -t ${topic} -p 0 -o -1 -f '%T') - now))`;
}
