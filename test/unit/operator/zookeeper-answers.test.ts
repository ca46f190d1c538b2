import { describe, expect, test } from "vitest";
import { readMembers, readQuorum, readRole } from "../../../operator/zookeeper/answers";

const NOT_SERVING = "This ZooKeeper instance is not currently serving requests\n";

describe("readRole", () => {
  test.each([
    ["Zookeeper version: 3.8.4\nZxid: 0x10\nMode: follower\nNode count: 5\n", "follower"],
    ["Mode: leader\nNode count: 5\nProposal sizes last/min/max: -1/-1/-1\n", "leader"],
    ["Mode: standalone\n", "standalone"],
    [NOT_SERVING, undefined],
    ["", undefined],
  ])("of %j", (answer, role) => {
    expect(readRole(answer)).toBe(role);
  });

  test("a role that ZooKeeper does not have is an error", () => {
    expect(() => readRole("Mode: chief\n")).toThrow("Invalid option");
  });
});

describe("readMembers", () => {
  test("the members, whatever else the server says of itself", () => {
    const conf =
      "clientPort=2181\nserverId=1\nmembership: \n" +
      "server.1=peter-zk01:2888:3888:participant;0.0.0.0:2181\n" +
      "server.12=peter-zk12:2888:3888:participant;0.0.0.0:2181\nversion=100000000";
    expect(readMembers(conf)).toEqual([
      { id: 1, host: "peter-zk01" },
      { id: 12, host: "peter-zk12" },
    ]);
  });

  test.each(["", NOT_SERVING])("unknown where the server answers %j", (answer) => {
    expect(readMembers(answer)).toBeUndefined();
  });
});

describe("readQuorum", () => {
  const mntr = (values: Record<string, unknown>) =>
    Object.entries({ zk_version: "3.8.4-9316, built on 2024", ...values })
      .map(([key, value]) => `${key}\t${String(value)}\n`)
      .join("");

  test("the voting members only", () => {
    const answer = mntr({
      zk_server_state: "leader",
      zk_synced_followers: 3,
      zk_synced_non_voting_followers: 1,
      zk_quorum_size: 3,
    });
    expect(readQuorum(answer)).toEqual({ syncedFollowers: 2, size: 3 });
  });

  test("without a server that follows and does not vote", () => {
    expect(readQuorum(mntr({ zk_synced_followers: "2.0", zk_quorum_size: "3.0" }))).toEqual({
      syncedFollowers: 2,
      size: 3,
    });
  });

  test.each([mntr({ zk_server_state: "follower", zk_quorum_size: 3 }), NOT_SERVING, ""])(
    "unknown of a server that does not lead: %j",
    (answer) => {
      expect(readQuorum(answer)).toBeUndefined();
    },
  );

  test("a value that is not a number is an error", () => {
    expect(() => readQuorum(mntr({ zk_synced_followers: "x", zk_quorum_size: 3 }))).toThrow();
  });
});
