import type { Entry } from "./journal";

/** Merges the entries of several hosts, which come in each host's order, by time. */
export class Merge {
  private readonly queues: Map<string, Entry[]>;
  /** Hosts of which further entries may come. */
  private readonly open: Set<string>;

  /** @param emit Called with each entry, in order. */
  constructor(
    hosts: readonly string[],
    private readonly emit: (entry: Entry) => void,
  ) {
    this.queues = new Map(hosts.map((host) => [host, []]));
    this.open = new Set(hosts);
  }

  /** Takes an entry, and emits those that no later one can precede. */
  add(entry: Entry): void {
    this.queues.get(entry.host)?.push(entry);
    this.drain();
  }

  /** Notes that no further entry of a host comes. */
  end(host: string): void {
    this.open.delete(host);
    this.drain();
  }

  /** Emits all entries that have come: hosts that are silent may stay so. */
  flush(): void {
    for (let next = this.earliest(); next !== undefined; next = this.earliest()) {
      this.emit(next);
      this.queues.get(next.host)?.shift();
    }
  }

  private drain(): void {
    while ([...this.open].every((host) => this.queues.get(host)?.length !== 0)) {
      const next = this.earliest();
      if (next === undefined) {
        return;
      }
      this.emit(next);
      this.queues.get(next.host)?.shift();
    }
  }

  private earliest(): Entry | undefined {
    const heads = [...this.queues.values()].flatMap(([head]) => head ?? []);
    return heads.reduce<Entry | undefined>(
      (first, head) => (first === undefined || head.time < first.time ? head : first),
      undefined,
    );
  }
}
