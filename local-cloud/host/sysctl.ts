import { readFileSync } from "node:fs";
import { run } from "./run";
import { changeState, readState } from "./store";

const value = (name: string) =>
  readFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").trim();

/** Raises a kernel setting of the machine to at least `minimum`, and notes the value it had. */
export async function ensureSysctl(name: string, minimum: number): Promise<void> {
  const before = value(name);
  if (Number(before) >= minimum) return;
  await changeState((state) => {
    state.sysctls[name] ??= before;
  });
  await run(["sysctl", "-q", "-w", `${name}=${minimum}`]);
}

/** Puts back every kernel setting that the local cloud raised. */
export async function restoreSysctls(): Promise<void> {
  for (const [name, before] of Object.entries(readState().sysctls)) {
    await run(["sysctl", "-q", "-w", `${name}=${before}`]);
    await changeState((state) => {
      delete state.sysctls[name];
    });
  }
}
