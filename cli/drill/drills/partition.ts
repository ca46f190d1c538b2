import { kcat } from "../../../shared/kafka-contact";
import { despiteErrors, waitFor } from "../../../shared/wait";
import type { Drill } from "../drill";
import { secondsBetween } from "../duration";
import { brokerId } from "../lab";
import { lasting } from "../scripts";

/** Longer than the ZooKeeper session timeout of a broker, which is 18 s by default. */
const ELECTION_SECONDS = 90;

/** Shows that partitions get new leaders, and that an isolated broker acknowledges no write. */
export const partition: Drill = {
  name: "partition",
  what: "cut a broker off from all other hosts, until the others have new leaders",
  localOnly: "it works in the network of a host on this machine",
  async run(scene) {
    const { lab, load, victim } = scene;
    const id = brokerId(victim);
    const led = await lab.ledBy(victim, load.topic);
    const others = lab.hosts.filter((host) => host !== victim);
    scene.fault();
    const cut = lab.holdInNetwork(
      victim,
      "the network cut",
      cutOff(others.map(({ privateIp }) => privateIp)),
    );
    await scene.hold(cut);
    const since = Date.now();
    // The victim cannot learn about the new leader, so it still acts as the leader.
    const refused = victim.run(produceOne(lab.serverOf(victim), load.topic, led)).then(
      () => false,
      () => true,
    );
    const beyond = lab.brokers.filter((host) => host !== victim).map((host) => lab.serverOf(host));
    await waitFor(
      { what: `broker ${id}`, state: "given up by the others", seconds: ELECTION_SECONDS },
      despiteErrors(async () => {
        const seen = await scene.loadHost.run([...kcat(beyond), "-L"].join(" "));
        return seen.includes(`broker ${id} at `)
          ? { seen: "it is still registered" }
          : { done: true };
      }),
    );
    scene.observed["secondsUntilGivenUp"] = secondsBetween(since, Date.now());
    scene.observed["writeToTheOneCutOffRefused"] = await refused;
    await scene.release(cut);
  },
};

/** Drops all packets from and to these addresses in the network namespace of the script. */
function cutOff(addresses: string[]): string {
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

/** Writes one message with acks=all through this broker. The broker must acknowledge it within 5 s. */
function produceOne(server: string, topic: string, number: number): string {
  return `echo unacknowledged | timeout 20 ${kcat([server]).join(" ")} -P -t ${topic} -p ${number} -X acks=all -X message.timeout.ms=5000`;
}
