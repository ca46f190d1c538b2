/**
 * Breaks a lab that runs, under load, and tells whether it lost anything and when it was whole
 * again. `lab.sh drill` calls this, with what it knows of the lab in LAB_ACCESS.
 *
 *   npm run drill -- [-s STACK] list | all | NAME... [--json] [--config-file FILE]
 *
 * Exits with 1 if anything was lost or the lab is not as it was, with 2 if a drill is not possible.
 */
import { withLock } from "../../local-cloud/machine/lock";
import { DRILLS, type Drill } from "./drills";
import { DrillLab, type LabAccess } from "./lab";
import { check, type DrillReport, line, NotPossible, runDrill, save } from "./run";

const USAGE = "npm run drill -- [-s STACK] list | all | NAME... [--json] [--config-file FILE]";

async function main(): Promise<void> {
  const { names, json, configFile } = parse(process.argv.slice(2));
  if (names[0] === "list") {
    const width = Math.max(...DRILLS.map(({ name }) => name.length));
    DRILLS.forEach(({ name, what }) => console.log(`${name.padEnd(width)}  ${what}`));
    return;
  }
  const access = JSON.parse(process.env["LAB_ACCESS"] ?? "") as LabAccess;
  const drills = names[0] === "all" ? all(access) : names.map(find);
  const lab = new DrillLab({ ...access, ...(configFile !== undefined && { configFile }) });
  const interrupted = interrupt();
  const reports: DrillReport[] = [];
  await withLock(`drill ${access.stack}`, async () => {
    for (const drill of drills) {
      await check(drill, lab);
      const report = await runDrill(drill, lab, interrupted);
      reports.push(report);
      const file = save(report, access.root);
      // For people; with --json, standard output is for programs.
      (json ? console.error : console.log)(`${line(report)}; report: ${file}`);
      if (!report.passed) {
        process.exitCode = 1;
        break; // the next one wants a lab that is whole
      }
    }
  });
  if (json) {
    console.log(JSON.stringify(reports, null, 2));
  }
}

/** Those that the target allows. */
function all({ target }: LabAccess): Drill[] {
  return DRILLS.filter(({ name, localOnly }) => {
    const possible = target === "local" || localOnly === undefined;
    if (!possible) {
      console.error(`drill: ${name} is left out: ${localOnly}`);
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

function parse(argv: string[]): { names: string[]; json: boolean; configFile?: string } {
  const names: string[] = [];
  let json = false;
  let configFile: string | undefined;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    if (argument === "--json") {
      json = true;
    } else if (argument === "--config-file" && argv[index + 1] !== undefined) {
      configFile = argv[++index];
    } else if (argument.startsWith("-")) {
      throw new NotPossible(`there is no option ${argument}. Usage: ${USAGE}`);
    } else {
      names.push(argument);
    }
  }
  if (names.length === 0) {
    throw new NotPossible(`the drill needs a name. Usage: ${USAGE}`);
  }
  return { names, json, ...(configFile !== undefined && { configFile }) };
}

/** Rejects at the first signal; a second one changes nothing, since the lab is being put right. */
function interrupt(): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        console.error(`drill: ${signal}; the lab is put right first`);
        reject(new Error(`interrupted by ${signal}`));
      });
    }
  });
  interrupted.catch(() => undefined); // it may come between two drills
  return interrupted;
}

main().then(
  // What an interrupted drill still waits for must not keep this running.
  () => process.exit(),
  (error: unknown) => {
    console.error(`drill: ${error instanceof NotPossible ? error.message : String(error)}`);
    process.exit(error instanceof NotPossible ? 2 : 1);
  },
);
