import { expect } from "vitest";
import type { DrillReport } from "../../cli/drill/run";
import { same } from "./host";
import type { Lab } from "./lab";

/** What a drill has to show, besides that nothing is lost, doubled or out of order. */
export interface ExpectedOfDrill {
  observed: DrillReport["observed"];
  /** Counts of what went well meanwhile, and the clock: at least so much. */
  atLeast?: Record<string, number>;
  /** Since its host's boot: the former process's session did not keep the victim from registering. */
  victimStarts?: string;
}

/** By name of the drill, in the order of `npm run drill -- list`. */
export const EXPECTED_OF_DRILLS: Record<string, ExpectedOfDrill> = {
  "kill-broker": { observed: {}, victimStarts: "1 restarts, 0 refused" },
  "power-off": { observed: {}, victimStarts: "0 restarts, 0 refused" },
  "kill-zookeeper-leader": {
    observed: { killed: expect.stringMatching(/^peter-zk0\d$/) as string },
  },
  "zookeeper-majority": { observed: {}, atLeast: { acknowledgedWithoutZooKeeper: 150 } },
  partition: { observed: { writeToTheOneCutOffRefused: true } },
  "disk-full": { observed: {} },
  "clock-jump": { observed: {}, atLeast: { secondsAhead: 3590, acknowledgedMeanwhile: 150 } },
  "restart-all": { observed: {} },
  "kill-pulumi": {
    observed: { restarts: same(["peter-kafka01", "peter-kafka02", "peter-kafka03"], 1) },
  },
  "wrong-cluster-id": {
    observed: {
      caught: expect.stringMatching(
        /got "damaged-by-a-drill"\. .*write the line cluster\.id=/,
      ) as string,
      brokersRestarted: 0,
    },
  },
};

/** Runs a drill by the user's command, which must show what is expected. Returns its report and what it printed. */
export async function expectDrill(
  lab: Lab,
  name: string,
  { observed, atLeast = {} }: ExpectedOfDrill,
): Promise<{ report: DrillReport; output: string }> {
  const { status, stdout, output } = await lab.run("drill", name, "--json");
  expect(status, output).toBe(0);
  const [report] = JSON.parse(stdout) as [DrillReport];
  expect(report).toMatchObject({
    ...{ drill: name, passed: true, failed: 0, lost: 0, duplicated: 0, outOfOrder: 0 },
    observed,
  });
  for (const [what, least] of Object.entries(atLeast)) {
    expect(report.observed[what], what).toBeGreaterThanOrEqual(least);
  }
  return { report, output };
}
