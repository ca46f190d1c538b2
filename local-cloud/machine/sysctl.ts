import { readFileSync } from "node:fs";
import { withLock } from "./lock";
import { run } from "../../shared/process";
import { changeState, readState } from "./store";

const value = (name: string) =>
  readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();

/** Raises a kernel setting of the machine to at least `minimum`, and saves its former value. */
export function ensureSysctl(name: string, minimum: number): Promise<void> {
  return withLock("sysctl", async () => {
    const before = value(name);
    if (Number(before) >= minimum) {
      return;
    }
    await changeState((state) => {
      state.sysctls[name] ??= before;
    });
    await run(["sysctl", "-q", "-w", `${name}=${minimum}`]);
  });
}

/** Restores every kernel setting that the local cloud raised, after its last resource is deleted. */
export function restoreSysctls(): Promise<void> {
  return withLock("sysctl", async () => {
    const { records, sysctls } = readState();
    if (Object.keys(records).length > 0) {
      return;
    } // another run has created resources meanwhile
    for (const [name, before] of Object.entries(sysctls)) {
      await run(["sysctl", "-q", "-w", `${name}=${before}`]);
      await changeState((state) => {
        delete state.sysctls[name];
      });
    }
  });
}
