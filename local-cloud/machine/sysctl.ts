import { readFileSync } from "node:fs";
import { withLock } from "./lock";
import { run } from "../../shared/process";
import { changeState, readState } from "./store";

const value = (name: string) =>
  readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();

/** Raises a kernel setting of the machine to at least `minimum`, and notes the value it had. */
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

/** Puts back every kernel setting that the local cloud raised, once its last resource is gone. */
export function restoreSysctls(): Promise<void> {
  return withLock("sysctl", async () => {
    const { records, sysctls } = readState();
    if (Object.keys(records).length > 0) {
      return;
    } // another run has begun meanwhile
    for (const [name, before] of Object.entries(sysctls)) {
      await run(["sysctl", "-q", "-w", `${name}=${before}`]);
      await changeState((state) => {
        delete state.sysctls[name];
      });
    }
  });
}
