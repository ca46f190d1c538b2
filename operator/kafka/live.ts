import type { ServiceFiles } from "../service/files";
import { readProperties } from "../service/properties";
import type { Config } from "./configs";

/**
 * File on a broker's host. It lists the keys that may have had a dynamic value when the broker restarted.
 * A dynamic value overrides the broker's file until the operator deletes it.
 */
export const LIVE_NOTE = "/var/lib/kafkalab/live-keys";

/** The dynamic values to set and to delete, so that a running broker has the wanted values. */
export interface LiveChange {
  set: Map<string, string>;
  /** Keys whose dynamic values are deleted. */
  remove: string[];
  /** Keys without a default to return to. Only a restart changes them. */
  fixed: string[];
}

/**
 * Returns the change that gives a running broker the values of its wanted file.
 *
 * A broker has up to three values for a key: the dynamic value, the value in the file that it was started
 * with, and the default. The broker uses the first of these that exists.
 *
 * @param keys Keys that differ between the file that the broker was started with and the wanted one.
 * @param entries The broker's own configuration, by key.
 */
export function liveChange(
  wanted: ServiceFiles,
  keys: readonly string[],
  entries: ReadonlyMap<string, Config>,
): LiveChange {
  const file = readProperties(wanted.config);
  const change: LiveChange = { set: new Map(), remove: [], fixed: [] };
  for (const key of keys) {
    const entry = entries.get(key);
    if (entry === undefined) {
      continue;
    }
    // A synonym with another name may have another unit, as log.retention.hours and log.retention.ms do.
    const of = (source: string) =>
      entry.synonyms.find((each) => each.source === source && each.key === key)?.value;
    const [told, started, fallback] = [
      of("DYNAMIC_BROKER_CONFIG"),
      of("STATIC_BROKER_CONFIG"),
      of("DEFAULT_CONFIG"),
    ];
    const aim = file.get(key);
    const untold = started ?? fallback;
    const isSoUntold = aim === undefined ? started === undefined : untold === aim;
    const value = aim ?? fallback;
    if (isSoUntold) {
      if (told !== undefined) {
        change.remove.push(key);
      }
    } else if (value === undefined) {
      change.fixed.push(key);
    } else if (told !== value) {
      change.set.set(key, value);
    }
  }
  return change;
}
