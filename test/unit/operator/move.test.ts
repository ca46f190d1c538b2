import { beforeEach, expect, test, vi } from "vitest";
import type { RemoteHost } from "../../../operator/host";
import { KafkaCluster } from "../../../operator/kafka/cluster";
import { finishMove } from "../../../operator/kafka/move";
import { reassignmentJson } from "../../../operator/kafka/moves";
import { files, kafkaWish } from "./support";

const said: string[] = [];
vi.mock("../../../operator/progress", () => ({ report: (line: string) => said.push(line) }));

beforeEach(() => {
  said.length = 0;
});

interface Scene {
  /** Where the noted move puts the partition; undefined if no move is noted. */
  to?: number[];
  registered?: number[];
  /** Where the partition is, look after look; the last one stays. */
  found?: { replicas: number[]; inSync: number[] }[];
  /** What the tool says when it verifies, one text each time. @default limits are removed */
  verified?: string[];
  /** What the tool lists. */
  listed?: string;
}

const CLEARED = "Clearing broker-level throttles on brokers 1,2,3\n";

/** Brokers 1 to 3 are wanted. Returns what the operator has done, in order. */
async function finish({
  to,
  registered = [1, 2, 3],
  found = [],
  ...more
}: Scene): Promise<string[]> {
  const done: string[] = [];
  const looks = [...found];
  const { verified = [], listed = "" } = more;
  const answer = (argv: readonly string[], input?: string): string => {
    if (argv[0] === "kcat") {
      const [{ replicas, inSync } = { replicas: [1], inSync: [1] }] =
        looks.length > 1 ? looks.splice(0, 1) : looks;
      const ids = (list: number[]) => list.map((id) => ({ id }));
      const partition = { partition: 0, leader: 1, replicas: ids(replicas), isrs: ids(inSync) };
      const topics = [{ topic: "t", partitions: [partition] }];
      return JSON.stringify({ controllerid: 1, brokers: ids(registered), topics });
    }
    if (argv[0] === "sudo") {
      const moves = to && [{ topic: "t", partition: 0, replicas: to }];
      return moves === undefined ? "" : reassignmentJson(moves);
    }
    const [name = "", ...args] = argv.slice(argv.findIndex((each) => each.endsWith(".sh")));
    const flags = args.filter((each) => !each.startsWith("/") && !/:9092/.test(each));
    const tool = name.slice(name.lastIndexOf("/") + 1);
    const moved = /"replicas":(\[[\d,]+\])/.exec(input ?? "")?.[1] ?? "";
    done.push(
      [tool, ...flags.filter((each) => each !== "--bootstrap-server"), moved].join(" ").trim(),
    );
    return flags.includes("--verify")
      ? (verified.shift() ?? CLEARED)
      : flags.includes("--list")
        ? listed
        : "";
  };
  const host = (name: string): RemoteHost => ({
    name,
    exec: (argv, options) => Promise.resolve().then(() => answer(argv, options?.input)),
    script: (_, { FILE, TEXT }) => {
      done.push(`${name}: ${FILE} is "${TEXT}"`);
      return Promise.resolve("");
    },
    isOpen: () => Promise.resolve(true),
    ask: () => Promise.reject(new Error("no question is expected")),
  });
  const wish = kafkaWish(3, files());
  await finishMove(
    new KafkaCluster(wish, new Map([1, 2, 3].map((id) => [`host${id}`, host(`host${id}`)]))),
  );
  return done;
}

const FORGOTTEN = 'host1: /var/lib/kafkalab/move.json is ""';
const FILE = "--reassignment-json-file";
const MOVE = "kafka-reassign-partitions.sh";
const ELECT = "kafka-leader-election.sh --election-type preferred --path-to-json-file";

test("no move is noted: nothing is done", async () => {
  expect(await finish({})).toEqual([]);
});

test("a move is waited for, and then the first replicas lead", async () => {
  const moving = { replicas: [3, 1], inSync: [1] };
  const moved = { replicas: [3], inSync: [3] };
  expect(await finish({ to: [3], found: [moving, moved] })).toEqual([
    `${MOVE} --verify ${FILE} [3]`,
    `${ELECT} [3]`,
    FORGOTTEN,
  ]);
});

test("limits that remain for a reassignment of somebody else are waited for", async () => {
  const moved = { replicas: [3], inSync: [3] };
  expect(await finish({ to: [3], found: [moved], verified: ["complete\n"] })).toEqual([
    `${MOVE} --verify ${FILE} [3]`,
    `${MOVE} --list`,
    `${MOVE} --verify ${FILE} [3]`,
    `${ELECT} [3]`,
    FORGOTTEN,
  ]);
});

test("a replica that is not in sync is not elected", async () => {
  const lagging = { replicas: [1], inSync: [1] };
  expect(await finish({ to: [3], found: [lagging] })).toEqual([
    `${MOVE} --verify ${FILE} [3]`,
    `${ELECT} [3]`,
    FORGOTTEN,
  ]);
  const gone = { replicas: [2], inSync: [] };
  expect(await finish({ to: [3], found: [gone] })).toEqual([
    `${MOVE} --verify ${FILE} [3]`,
    FORGOTTEN,
  ]);
});

test("a move to a broker that is not wanted any more is cancelled, with its limits", async () => {
  const moving = { replicas: [4, 1], inSync: [1] };
  expect(await finish({ to: [4], registered: [1, 2, 3, 4], found: [moving] })).toEqual([
    `${MOVE} --cancel ${FILE} [4]`,
    `${MOVE} --list`,
    FORGOTTEN,
  ]);
  expect(said).toEqual(["host1: cancelling the move of 1 partitions"]);
});

test("what the tool does not cancel goes back to its former replicas", async () => {
  const scene = { to: [1, 4], registered: [1, 2, 3, 4] };
  const listed = "Current partition reassignments:\nt-0: replicas: 1,4. adding: 4.\n";
  const found = [{ replicas: [1, 4], inSync: [1] }];
  expect(await finish({ ...scene, found, listed })).toEqual([
    `${MOVE} --cancel ${FILE} [1,4]`,
    `${MOVE} --list`,
    `${MOVE} --execute --additional ${FILE} [1]`,
    FORGOTTEN,
  ]);
});

test("if that broker is down, the limits of the others are removed one by one", async () => {
  const moving = { replicas: [4, 1], inSync: [1] };
  const keys = "leader.replication.throttled.rate,follower.replication.throttled.rate";
  expect(await finish({ to: [4], found: [moving] })).toEqual([
    `${MOVE} --cancel --preserve-throttles ${FILE} [4]`,
    `${MOVE} --list`,
    ...[1, 2, 3].map(
      (id) =>
        `kafka-configs.sh --alter --entity-type brokers --entity-name ${id} --delete-config ${keys}`,
    ),
    FORGOTTEN,
  ]);
});
