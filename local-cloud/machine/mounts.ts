import { readFileSync } from "node:fs";

/** A mount in the mount namespace of a process. */
export interface Mount {
  /** `MAJOR:MINOR` of the file system's device. */
  device: string;
  /** The mount point. */
  point: string;
}

/** The mounts of a process, in the order in which they were created. @default this process */
export function mounts(pid: number | "self" = "self"): Mount[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

/** Parses the format of proc_pid_mountinfo(5). Uses fields 3 and 5. */
export function parseMountinfo(text: string): Mount[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" "))
    .flatMap(([, , device, , point]) =>
      device === undefined || point === undefined ? [] : { device, point: unescape(point) },
    );
}

/** The kernel writes white space, backslashes and number signs as octal escapes. */
const unescape = (field: string) =>
  field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
