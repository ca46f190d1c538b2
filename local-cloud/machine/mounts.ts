import { readFileSync } from "node:fs";

/** A mount as a process sees it. */
export interface Mount {
  /** `MAJOR:MINOR` of the file system's device. */
  device: string;
  /** Where it is mounted. */
  point: string;
}

/** The mounts that a process sees, in the order in which they were made. @default this process */
export function mounts(pid: number | "self" = "self"): Mount[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

/** Reads a list in the form of proc_pid_mountinfo(5): fields 3 and 5 are what counts here. */
export function parseMountinfo(text: string): Mount[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" "))
    .flatMap(([, , device, , point]) =>
      device === undefined || point === undefined ? [] : { device, point: unescape(point) },
    );
}

/** The kernel writes white space, backslashes and number signs in octal. */
const unescape = (field: string) =>
  field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
