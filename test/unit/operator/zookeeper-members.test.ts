import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Member, Role } from "../../../operator/zookeeper/answers";
import {
  allServe,
  describeEnsemble,
  type EnsembleLook,
  followersSynced,
  isWhole,
  leaderOf,
} from "../../../operator/zookeeper/ensemble";
import {
  deadMemberToRemove,
  joinerList,
  nextMemberChange,
  reconfigOption,
} from "../../../operator/zookeeper/members";

const hostName = (id: number) => `peter-zk0${id}`;
const member = (id: number): Member => ({ id, host: hostName(id) });
const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const line = (id: number) => `server.${id}=peter-zk0${id}:2888:3888:participant;2181`;

/** What an ensemble with these members says, if nodes 1 to `wanted` should be its members. */
function lookAt(
  wanted: number,
  members: number[] | undefined,
  leader: number | undefined,
  down: number[] = [],
): EnsembleLook {
  const server = (id: number) => {
    const role: Role | undefined = down.includes(id)
      ? undefined
      : id === leader
        ? "leader"
        : "follower";
    return { ...member(id), role };
  };
  const voters = members ?? [];
  const synced = voters.filter((id) => id !== leader && !down.includes(id)).length;
  return {
    nodes: range(wanted).map(server),
    members: members?.map(member),
    leaving: voters.filter((id) => id > wanted).map(server),
    quorum: leader === undefined ? undefined : { syncedFollowers: synced, size: voters.length },
  };
}

describe("a whole ensemble", () => {
  test.each([
    ["whole", ["follower", "leader", "follower"], 2, 3, true],
    ["a follower behind", ["follower", "leader", "follower"], 1, 3, false],
    ["a node down", ["follower", "leader", undefined], 1, 3, false],
    ["no leader", ["follower", undefined, undefined], 0, undefined, false],
    ["a server that stands alone", ["standalone"], 0, undefined, true],
  ] as const)("%s", (_, roles, syncedFollowers, size, whole) => {
    const look: EnsembleLook = {
      nodes: roles.map((role, index) => ({ ...member(index + 1), role })),
      members: range(3).map(member),
      leaving: [],
      quorum: size === undefined ? undefined : { syncedFollowers, size },
    };
    expect(allServe(look) && isWhole(look)).toBe(whole);
    const seen = roles.map((role, i) => `peter-zk0${i + 1} ${role ?? "down"}`).join(", ");
    expect(describeEnsemble(look)).toBe(seen);
  });

  test("one may restart while a node that joins does not serve", () => {
    const look = lookAt(4, [1, 2, 3], 3, [4]);
    expect([isWhole(look), allServe(look)]).toEqual([true, false]);
  });
});

describe("the next change of the members", () => {
  const option = (look: EnsembleLook) => {
    const change = nextMemberChange(look);
    return change === undefined || change === "none" ? change : reconfigOption(change);
  };

  test.each([
    ["all are there", 3, [1, 2, 3], 3, "none"],
    ["two are to come", 5, [1, 2, 3], 3, `-add ${line(4)}`],
    ["one is still to come", 5, [1, 2, 3, 4], 3, `-add ${line(5)}`],
    ["two are to go", 3, [1, 2, 3, 4, 5], 1, "-remove 5"],
    ["the leader is to go last", 3, [1, 2, 3, 4, 5], 5, "-remove 4"],
    ["only the leader is still to go", 3, [1, 2, 3, 5], 5, "-remove 5"],
  ])("where %s", (_, count, ids, leader, change) => {
    expect(option(lookAt(count, ids, leader))).toBe(change);
  });

  test.each([
    ["the members are not known", lookAt(3, undefined, 1)],
    ["no server leads", lookAt(3, [1, 2, 3, 4, 5], undefined)],
    ["a node that stays is down", lookAt(3, [1, 2, 3, 4, 5], 1, [2])],
    ["a node that joins is down", lookAt(5, [1, 2, 3], 1, [5])],
    ["a follower is not in sync yet", { ...lookAt(5, [1, 2, 3], 1), quorum: { syncedFollowers: 1, size: 3 } }],
  ])("none as long as %s", (_, look) => {
    expect(option(look)).toBeUndefined();
  }); // prettier-ignore

  test("a member that is to go and is gone already holds nothing back", () => {
    const look = lookAt(3, [1, 2, 3, 4], 1, [4]);
    expect([followersSynced(look), option(look)]).toEqual([false, "-remove 4"]);
  });

  test("before a restart, only a member that is to go and is down is removed", () => {
    const dead = (look: EnsembleLook) => deadMemberToRemove(look);
    expect(dead(lookAt(3, [1, 2, 3, 4, 5], 1, [4]))).toEqual({ remove: member(4) });
    expect(dead(lookAt(3, [1, 2, 3, 4, 5], 1))).toBeUndefined();
    expect(dead(lookAt(3, [1, 2, 3], 1, [3]))).toBeUndefined();
    expect(dead(lookAt(3, [1, 2, 3, 4], 1, [2, 4]))).toBeUndefined();
  });
});

describe("the first list of a node that joins", () => {
  test("the members and itself, by id", () => {
    const members = [3, 1, 2].map(member);
    expect(joinerList(members, member(4))).toBe([1, 2, 3, 4].map(line).join("\n"));
    expect(joinerList(members, { id: 2, host: "peter-new" })).toBe(
      `${line(1)}\nserver.2=peter-new:2888:3888:participant;2181\n${line(3)}`,
    );
  });
});

describe("any change of the members", () => {
  const scene = fc
    .record({
      wanted: fc.integer({ min: 1, max: 9 }),
      members: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
      at: fc.nat(),
      gone: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
    })
    .map(({ wanted, members, at, gone }) => {
      const leader = members[at % members.length];
      // Of those that are to go, fewer than half may be gone: the others elect a leader.
      const down = members
        .filter((id) => id > wanted && id !== leader && gone[id - 1])
        .slice(0, Math.ceil(members.length / 2) - 1);
      return { wanted, members, leader, down };
    });

  test("ends with the wanted members, by one server at a time, with a majority always", () => {
    fc.assert(
      fc.property(scene, ({ wanted, members, leader, down }) => {
        const removed: (number | undefined)[] = [];
        let [now, leads] = [[...members], leader];
        for (let step = 0; step < 30; step++) {
          const look = lookAt(wanted, now, leads, down);
          const change = nextMemberChange(look);
          if (change === "none") {
            expect([...now].sort()).toEqual(range(wanted));
            expect(removed.indexOf(leader)).toBe((leader ?? 0) > wanted ? removed.length - 1 : -1);
            return;
          }
          if (change === undefined) {
            // Only additions wait for followers, and only where a member is gone.
            expect(down.some((id) => now.includes(id))).toBe(true);
            expect(range(wanted).every((id) => now.includes(id))).toBe(false);
            return;
          }
          if ("add" in change) {
            expect(now).not.toContain(change.add.id);
            expect(removed).toEqual([]);
            now = [...now, change.add.id];
          } else {
            expect(change.remove.id).toBeGreaterThan(wanted);
            removed.push(change.remove.id);
            now = now.filter((id) => id !== change.remove.id);
            leads = leads === change.remove.id ? Math.min(...now) : leads;
          }
          const up = now.filter((id) => !down.includes(id));
          expect(up.length).toBeGreaterThan(now.length / 2);
          expect(leaderOf(lookAt(wanted, now, leads, down))?.id).toBe(leads);
        }
        expect.fail("the changes must come to an end");
      }),
    );
  });

  test("none while a node that stays is down", () => {
    fc.assert(
      fc.property(scene, fc.nat(), ({ wanted, members, leader }, at) => {
        const down = range(wanted).filter((id) => id !== leader)[at % wanted];
        fc.pre(down !== undefined);
        const look = lookAt(wanted, members, leader, [down ?? 0]);
        expect([nextMemberChange(look), deadMemberToRemove(look)]).toEqual([undefined, undefined]);
      }),
    );
  });
});
