/**
 * Causes failures in a running lab under load. Reports whether messages were lost and when the lab was
 * whole again. `cli/commands/drill.ts` checks the command line and then executes this program:
 *
 *   LAB_ACCESS=JSON cli/drill/main.ts [--json] -- list | all | NAME...
 *
 * Exits with 1 if a message was lost or the lab has changed, and with 2 if a drill is not possible.
 */
import { parseArgs } from "node:util";
import { withLock } from "../../local-cloud/machine/lock";
import type { Drill } from "./drill";
import { DRILLS } from "./drills";
import { DrillLab, type LabAccess } from "./lab";
import { check, type DrillReport, line, NotPossible, runDrill, save } from "./run";

async function main(): Promise<void> {
  const { values, positionals: names } = parseArgs({
    options: { json: { type: "boolean" } },
    allowPositionals: true,
  });
  if (names[0] === "list") {
    const width = Math.max(...DRILLS.map(({ name }) => name.length));
    DRILLS.forEach(({ name, what }) => console.log(`${name.padEnd(width)}  ${what}`));
    return;
  }
  const access = JSON.parse(process.env["LAB_ACCESS"] ?? "") as LabAccess;
  const drills = names[0] === "all" ? all(access) : names.map(find);
  const lab = new DrillLab(access);
  const interrupted = interrupt();
  const reports: DrillReport[] = [];
  await withLock(`drill ${access.stack}`, async () => {
    for (const drill of drills) {
      await check(drill, lab);
      const report = await runDrill(drill, lab, interrupted);
      reports.push(report);
      const file = save(report, access.root);
      // This line is for people. With --json, standard output is for programs.
      (values.json ? console.error : console.log)(`${line(report)}; report: ${file}`);
      if (!report.passed) {
        process.exitCode = 1;
        break; // the next drill needs a whole lab
      }
    }
  });
  if (values.json) {
    console.log(JSON.stringify(reports, null, 2));
  }
}

/** All drills that the target supports. */
function all({ target }: LabAccess): Drill[] {
  return DRILLS.filter(({ name, localOnly }) => {
    const possible = target === "local" || localOnly === undefined;
    if (!possible) {
      console.error(`drill: skipping ${name}: ${localOnly}`);
    }
    return possible;
  });
}

function find(name: string): Drill {
  const drill = DRILLS.find((each) => each.name === name);
  if (drill === undefined) {
    const known = DRILLS.map((each) => each.name).join(", ");
    throw new NotPossible(`there is no drill ${name}. There are ${known}, and all of them: all`);
  }
  return drill;
}

/** Rejects at the first signal. Ignores later signals while the drill restores the lab. */
function interrupt(): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        console.error(`drill: ${signal}; restoring the lab first`);
        reject(new Error(`interrupted by ${signal}`));
      });
    }
  });
  interrupted.catch(() => undefined); // a signal may arrive between two drills
  return interrupted;
}

main().then(
  // Pending waits of an interrupted drill must not keep the process alive.
  () => process.exit(),
  (error: unknown) => {
    console.error(`drill: ${error instanceof NotPossible ? error.message : String(error)}`);
    process.exit(error instanceof NotPossible ? 2 : 1);
  },
);
