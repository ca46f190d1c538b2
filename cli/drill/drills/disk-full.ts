import { despiteErrors, waitFor } from "../../../shared/wait";
import type { Drill } from "../drill";
import { secondsBetween } from "../duration";
import type { DrillHost } from "../lab";
import { lasting } from "../scripts";

const GIVE_UP_SECONDS = 90;

/** Shows that a broker without free disk space stops instead of accepting data that it cannot store. */
export const diskFull: Drill = {
  name: "disk-full",
  what: "fill a broker's disk, until Kafka gives its log directory up",
  async run(scene) {
    const { victim } = scene;
    const before = await restarts(victim);
    const full = victim.hold("the disk filled", fillDisk());
    scene.fault();
    await scene.hold(full);
    const since = Date.now();
    const state = "ended by its full disk";
    await waitFor(
      { what: `the broker on ${victim.name}`, state, seconds: GIVE_UP_SECONDS },
      despiteErrors(async () =>
        (await restarts(victim)) > before ? { done: true } : { seen: "it runs on" },
      ),
    );
    scene.observed["secondsUntilBrokerEnded"] = secondsBetween(since, Date.now());
    await scene.release(full);
  },
};

/** Returns how often systemd restarted the broker automatically. */
async function restarts(host: DrillHost): Promise<number> {
  return Number(await host.run("systemctl show -P NRestarts kafka-server"));
}

/** Fills the file system of /data, except for the space that is reserved for root. */
function fillDisk(): string {
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
