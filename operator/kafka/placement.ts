/*
 * Decides where replicas go when brokers join or leave. Kafka's own
 * `kafka-reassign-partitions.sh --generate` reassigns every partition and moves at least 50 % more data,
 * so this planner replaces single replicas only.
 */

/** The replicas of one partition. The first one is the preferred leader. */
export interface Assignment {
  topic: string;
  partition: number;
  /** Broker ids. A negative id stands for a replica without a broker. */
  replicas: readonly number[];
}

/** A broker that may hold replicas. */
export interface BrokerPlace {
  id: number;
  rack: string;
}

/**
 * Returns the partitions whose replicas must change, each with its new replicas:
 *
 * - Replicas move off every broker that is not in `brokers`.
 * - A broker without replicas takes some from brokers that have at least two more.
 * - No partition gets a second replica in a rack while a broker in another rack could take it.
 * - The preferred leaders of the moving partitions are spread over their brokers.
 *
 * A replica stays where it is if none of these rules moves it. A partition with more replicas than
 * there are brokers keeps the replicas that cannot move.
 */
export function planMoves(
  assignments: readonly Assignment[],
  brokers: readonly BrokerPlace[],
): Assignment[] {
  const plan = new Plan(assignments, brokers);
  plan.leaveBrokers();
  plan.fillEmptyBrokers();
  plan.spreadLeaders();
  return plan.changes();
}

interface PlannedPartition {
  topic: string;
  partition: number;
  replicas: number[];
  moves: boolean;
}

/** Counts by key. A new key has the count 0. */
class Counter<Key> {
  private readonly counts = new Map<Key, number>();

  of(key: Key): number {
    return this.counts.get(key) ?? 0;
  }

  add(key: Key, by: number): void {
    this.counts.set(key, this.of(key) + by);
  }
}

/** A topic's replicas and preferred leaders on each broker. */
interface TopicShare {
  replicas: Counter<number>;
  preferredLeaders: Counter<number>;
  partitions: PlannedPartition[];
}

class Plan {
  private readonly racks: ReadonlyMap<number, string>;
  private readonly ids: readonly number[];
  private readonly partitions: PlannedPartition[];
  private readonly topics = new Map<string, TopicShare>();
  private readonly replicas = new Counter<number>();
  private readonly preferredLeaders = new Counter<number>();
  /** Brokers that had no replica before the plan and can still take some. */
  private readonly empty: Set<number>;

  constructor(assignments: readonly Assignment[], brokers: readonly BrokerPlace[]) {
    this.racks = new Map(brokers.map(({ id, rack }) => [id, rack]));
    this.ids = brokers.map(({ id }) => id);
    this.partitions = assignments.map(({ topic, partition, replicas }) => ({
      topic,
      partition,
      replicas: [...replicas],
      moves: false,
    }));
    for (const partition of this.partitions) {
      this.share(partition.topic).partitions.push(partition);
      partition.replicas.forEach((id, place) => this.count(partition, place, id, 1));
    }
    this.empty = new Set(this.ids.filter((id) => this.replicas.of(id) === 0));
  }

  changes(): Assignment[] {
    return this.partitions
      .filter(({ moves }) => moves)
      .map(({ topic, partition, replicas }) => ({ topic, partition, replicas }));
  }

  /** Moves replicas off brokers that leave. */
  leaveBrokers(): void {
    for (const partition of this.partitions) {
      partition.replicas.forEach((id, place) => {
        if (!this.racks.has(id)) {
          this.replace(partition, place);
        }
      });
    }
  }

  /** Gives brokers that had no replica a fair share. */
  fillEmptyBrokers(): void {
    const exhausted = new Set<string>();
    for (;;) {
      const taker = least([...this.empty], (id) => this.replicas.of(id));
      if (taker === undefined) {
        return;
      }
      const gift = this.bestGift(taker, exhausted);
      if (gift === undefined) {
        this.empty.delete(taker);
      } else if (!this.give(gift.topic, gift.giver, taker)) {
        exhausted.add(giftKey(gift.topic, gift.giver, taker));
      }
    }
  }

  /** Finds the topic with the most uneven spread between `taker` and a broker with two more replicas. */
  private bestGift(
    taker: number,
    exhausted: ReadonlySet<string>,
  ): { topic: string; giver: number } | undefined {
    let best: { topic: string; giver: number; gain: readonly [number, number] } | undefined;
    for (const [topic, { replicas }] of this.topics) {
      for (const giver of this.ids) {
        const gain = [
          replicas.of(giver) - replicas.of(taker),
          this.replicas.of(giver) - this.replicas.of(taker),
        ] as const;
        const helps = gain[0] >= 1 && gain[1] >= 2;
        if (!helps || exhausted.has(giftKey(topic, giver, taker))) {
          continue;
        }
        if (best === undefined || compare(gain, best.gain) > 0) {
          best = { topic, giver, gain };
        }
      }
    }
    return best;
  }

  /** Moves one replica of a topic, unless a rack would then hold more replicas. Returns whether one moved. */
  private give(topic: string, giver: number, taker: number): boolean {
    for (const partition of this.share(topic).partitions) {
      const place = partition.replicas.indexOf(giver);
      const fits =
        place >= 0 &&
        !partition.replicas.includes(taker) &&
        this.inSameRack(partition, place, taker) <= this.inSameRack(partition, place, giver);
      if (fits) {
        this.put(partition, place, taker);
        return true;
      }
    }
    return false;
  }

  /** Swaps the first replica of moving partitions until no swap spreads the leaders more evenly. */
  spreadLeaders(): void {
    for (let swap = this.bestSwap(); swap !== undefined; swap = this.bestSwap()) {
      const { partition, place } = swap;
      const [from, to] = [replicaAt(partition, 0), replicaAt(partition, place)];
      this.put(partition, 0, to);
      this.put(partition, place, from);
    }
  }

  private bestSwap(): { partition: PlannedPartition; place: number } | undefined {
    let best:
      { partition: PlannedPartition; place: number; gain: readonly [number, number] } | undefined;
    for (const partition of this.partitions.filter(({ moves }) => moves)) {
      const from = replicaAt(partition, 0);
      const { preferredLeaders } = this.share(partition.topic);
      for (let place = 1; place < partition.replicas.length; place++) {
        const to = replicaAt(partition, place);
        const gain = [
          preferredLeaders.of(from) - preferredLeaders.of(to),
          this.preferredLeaders.of(from) - this.preferredLeaders.of(to),
        ] as const;
        if (gain[1] < 2 || compare(gain, best?.gain ?? [0, 0]) <= 0) {
          continue;
        }
        best = { partition, place, gain };
      }
    }
    return best;
  }

  /** Moves a replica to the best broker without a replica of the partition, if there is one. */
  private replace(partition: PlannedPartition, place: number): void {
    const { replicas, preferredLeaders } = this.share(partition.topic);
    const free = this.ids.filter((id) => !partition.replicas.includes(id));
    const best = leastBy(free, (id) => [
      this.inSameRack(partition, place, id),
      place === 0 ? preferredLeaders.of(id) : replicas.of(id),
      place === 0 ? this.preferredLeaders.of(id) : this.replicas.of(id),
    ]);
    if (best !== undefined) {
      this.put(partition, place, best);
    }
  }

  /** Counts the partition's other replicas in a broker's rack. */
  private inSameRack({ replicas }: PlannedPartition, place: number, id: number): number {
    const rack = this.racks.get(id);
    return replicas.filter((other, index) => index !== place && this.racks.get(other) === rack)
      .length;
  }

  private put(partition: PlannedPartition, place: number, id: number): void {
    this.count(partition, place, replicaAt(partition, place), -1);
    partition.replicas[place] = id;
    partition.moves = true;
    this.count(partition, place, id, 1);
  }

  private count({ topic }: PlannedPartition, place: number, id: number, by: number): void {
    const share = this.share(topic);
    this.replicas.add(id, by);
    share.replicas.add(id, by);
    if (place === 0) {
      this.preferredLeaders.add(id, by);
      share.preferredLeaders.add(id, by);
    }
  }

  private share(topic: string): TopicShare {
    const known = this.topics.get(topic);
    if (known !== undefined) {
      return known;
    }
    const share = {
      replicas: new Counter<number>(),
      preferredLeaders: new Counter<number>(),
      partitions: [],
    };
    this.topics.set(topic, share);
    return share;
  }
}

const giftKey = (topic: string, giver: number, taker: number) => `${topic} ${giver} ${taker}`;

function replicaAt({ topic, partition, replicas }: PlannedPartition, place: number): number {
  const id = replicas[place];
  if (id === undefined) {
    throw new Error(`${topic}-${partition} has no replica number ${place}`);
  }
  return id;
}

/** Compares lexicographically. */
function compare(one: readonly number[], other: readonly number[]): number {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

/** Returns the first item with the lowest cost; undefined for an empty list. */
function leastBy<Item>(
  items: readonly Item[],
  cost: (item: Item) => readonly number[],
): Item | undefined {
  let best: { item: Item; cost: readonly number[] } | undefined;
  for (const item of items) {
    const own = cost(item);
    if (best === undefined || compare(own, best.cost) < 0) {
      best = { item, cost: own };
    }
  }
  return best?.item;
}

const least = <Item>(items: readonly Item[], cost: (item: Item) => number) =>
  leastBy(items, (item) => [cost(item)]);
