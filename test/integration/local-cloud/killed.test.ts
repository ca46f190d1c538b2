import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { StoredResource as CloudRecord, State } from "../../../local-cloud/machine/store";
import { Accounts } from "../../support/accounts";
import { booted, Cloud, hostInit } from "../../support/local-cloud";
import { ami, network, T, textOf, ZONE } from "../../support/network";
import { must, waitFor } from "../../support/run";

/*
 * The plugin's process is killed in the middle of its work.
 */

const accounts = new Accounts();

describe("a run that is killed", () => {
  const cloud = new Cloud();
  afterAll(() => accounts.finish(cloud));

  /** A record as a run leaves it that is killed before any work for it. */
  function leaveRecord(record: Pick<CloudRecord, "id" | "type" | "urn" | "inputs" | "chosen">) {
    const file = join(cloud.stateDir, "cloud/state.json");
    const state = JSON.parse(readFileSync(file, "utf8")) as State;
    const sequence = state.nextSequence++;
    const run = "1:0"; // a process that there never was
    state.records[record.id] = { ...record, run, acknowledged: false, sequence };
    writeFileSync(file, JSON.stringify(state));
  }
  const ofType = (type: string) => cloud.records.filter((record) => record.type === type);
  const volume = { availabilityZone: ZONE, size: 1 };

  test("before the work for a record leaves nothing that the next one does not clear", async () => {
    const plugin = await cloud.plugin();
    const kept = await plugin.create(T.volume, "kept", volume);
    const urn = plugin.urn(T.volume, "killed");
    leaveRecord({ id: "vol-00000000000000001", type: T.volume, urn, inputs: volume, chosen: {} });
    const made = await plugin.create(T.volume, "killed", volume);
    expect(ofType(T.volume).map((record) => record.id)).toEqual([kept.id, made.id]);
    expect(readdirSync(join(cloud.stateDir, "cloud/volumes")).sort()).toEqual(
      [`${kept.id}.img`, `${made.id}.img`].sort(),
    );
    await plugin.stop();
  });

  test("after an orderly one takes nothing of it", async () => {
    const first = await cloud.plugin();
    for (const record of cloud.records) await first.delete(record);
    const [one, two] = [
      await first.create(T.volume, "one", volume),
      await first.create(T.volume, "two", volume),
    ];
    await first.stop();
    const second = await cloud.plugin();
    await second.delete(one);
    expect(ofType(T.volume).map((record) => record.id)).toEqual([two.id]);
    await second.delete(two);
    await second.stop();
  });

  test("leaves what the deletion of the rest clears", async () => {
    const first = await cloud.plugin();
    const known = await first.create(T.vpc, "known", { cidrBlock: "10.79.0.0/16" });
    const child = { vpcId: known.id, cidrBlock: "10.79.0.0/24" };
    await first.create(T.subnet, "unknown", child);
    await first.create(T.volume, "unknown", volume);
    await first.kill();
    const second = await cloud.plugin();
    await second.delete(known);
    expect(cloud.records).toEqual([]);
    expect(existsSync(join(cloud.stateDir, "cloud"))).toBe(false);
    await second.stop();
  });

  test.each(["", "root", "devices", "console.log"])(
    "while it makes a network and a host leaves neither twice (at '%s')",
    async (stage) => {
      const killed = await cloud.plugin();
      const net = await network(killed, "net");
      const inputs = {
        ami: await ami(killed),
        instanceType: "t3.small",
        subnetId: net.subnet.id,
        vpcSecurityGroupIds: [net.group.id],
        privateIp: "10.77.0.9",
      };
      const creation = killed.create(T.instance, "host", inputs).catch(() => undefined);
      const dying = killed
        .create(T.vpc, "second", { cidrBlock: "10.78.0.0/16" })
        .catch(() => undefined);
      await cloud.until("the instance's record", () => ofType(T.instance).length === 1);
      const [half] = ofType(T.instance);
      const file = join(cloud.stateDir, "cloud/instances", half!.id, stage);
      await waitFor(file, "there", 10, () => (!stage || existsSync(file) ? {} : "nothing"));
      await killed.kill();
      await Promise.all([creation, dying]);

      const next = await cloud.plugin();
      const made = await next.create(T.instance, "host", inputs);
      const second = await next.create(T.vpc, "second", { cidrBlock: "10.78.0.0/16" });
      expect(ofType(T.instance).map((record) => record.id)).toEqual([made.id]);
      expect(ofType(T.vpc).map((record) => record.id)).toEqual([net.vpc.id, second.id]);
      expect(readdirSync(join(cloud.stateDir, "cloud/instances"))).toEqual([made.id]);
      expect(existsSync(`/run/netns/kafkalab-${half!.id}`)).toBe(half!.id === made.id);
      expect(hostInit(half!.id) === undefined).toBe(half!.id !== made.id);
      await next.kill();
      await cloud.destroy();
      expect(cloud.records).toEqual([]);
    },
  );

  test("while it deletes a host leaves one that the next deletes, or makes again", async () => {
    const killed = await cloud.plugin();
    const net = await network(killed, "net");
    const inputs = { ami: await ami(killed), instanceType: "t3.small", subnetId: net.subnet.id };
    const made = await killed.create(T.instance, "host", inputs);
    const deletion = killed.delete(made).catch(() => undefined);
    await cloud.until("the mark", () => ofType(T.instance)[0]?.leaving === true);
    await killed.kill();
    await deletion;

    const next = await cloud.plugin();
    expect(await next.diff(made)).toMatchObject({ replaces: ["id"], deleteBeforeReplace: true });
    await next.delete(made);
    expect(hostInit(made.id)).toBeUndefined();
    expect(existsSync(join(cloud.stateDir, "cloud/instances", made.id))).toBe(false);
    await next.stop();
    await cloud.destroy();
  });

  test("while it stops or starts a host leaves the rest of that to the next", async () => {
    const first = await cloud.plugin();
    const net = await network(first, "net");
    const inputs = { ami: await ami(first), instanceType: "t3.small", subnetId: net.subnet.id };
    const host = await first.create(T.instance, "host", inputs);
    await booted(host.id, textOf(host, "privateIp"));
    const wish = { instanceId: host.id, state: "stopped" };
    const stopped = () => ofType(T.instance)[0]?.chosen["stopped"];
    const stop = first.create(T.instanceState, "host", wish).catch(() => undefined);
    await cloud.until("the wish to stop", () => stopped() === true);
    await first.kill();
    await stop;

    const second = await cloud.plugin();
    const state = await second.create(T.instanceState, "host", wish);
    expect(hostInit(host.id)).toBeUndefined();
    expect(ofType(T.instanceState).map((record) => record.id)).toEqual([host.id]);
    expect(await second.diff(host)).toMatchObject({ changes: false });
    const start = second.update(state, { state: "running" }).catch(() => undefined);
    await cloud.until("the wish to start", () => stopped() === false);
    await second.kill();
    await start;

    // Pulumi still has it as stopped.
    const third = await cloud.plugin();
    const running = await third.update(state, { state: "running" });
    await booted(host.id, textOf(host, "privateIp"));
    for (const made of [host, running]) {
      expect(await third.diff(made)).toMatchObject({ changes: false });
    }
    await third.stop();
    await cloud.destroy();
  });

  test("while it moves an elastic address leaves it to the next, and no route without a host", async () => {
    const first = await cloud.plugin();
    const net = await network(first, "net");
    const inputs = { ami: await ami(first), instanceType: "t3.small", subnetId: net.subnet.id };
    const host = await first.create(T.instance, "host", inputs);
    const eip = await first.create(T.eip, "eip", {});
    const route = async () =>
      (await must(["ip", "-4", "route", "show", textOf(eip, "publicIp")])).trim();
    const wish = { allocationId: eip.id, instanceId: host.id };
    const creation = first.create(T.eipAssociation, "host", wish).catch(() => undefined);
    await cloud.until("the association", () => ofType(T.eipAssociation).length === 1);
    await first.kill();
    await creation;

    const second = await cloud.plugin();
    const association = await second.create(T.eipAssociation, "host", wish);
    expect(ofType(T.eipAssociation).map((record) => record.id)).toEqual([association.id]);
    expect(await route()).toContain(`dev kl-${net.vpc.id.slice(4, 16)}`);
    expect(await second.diff(net.vpc)).toMatchObject({ changes: false });
    const deletion = second.delete(association).catch(() => undefined);
    await cloud.until("the end of the association", () => ofType(T.eipAssociation).length === 0);
    await second.kill();
    await deletion;

    const third = await cloud.plugin();
    await third.delete(association);
    await third.update(net.vpc, {});
    expect(await route()).toBe("");
    expect(await third.diff(net.vpc)).toMatchObject({ changes: false });

    // The last address takes the guard with it, also if the run ends before its record does.
    const release = third.delete(eip).catch(() => undefined);
    await cloud.until(
      "the mark",
      () => ofType(T.eip)[0]?.leaving !== undefined || ofType(T.eip).length === 0,
    );
    await third.kill();
    await release;
    const fourth = await cloud.plugin();
    await fourth.delete(eip);
    const block = textOf(eip, "publicIp").replace(/\d+$/, "0/24");
    expect(await must(["ip", "-4", "route"])).not.toContain(block);
    await fourth.stop();
    await cloud.destroy();
  });

  test("between the removal of a record and the work for it leaves no open port", async () => {
    const first = await cloud.plugin();
    const net = await network(first, "net");
    const rule = await first.create(T.ingress, "open", {
      securityGroupId: net.group.id,
      ipProtocol: "tcp",
      fromPort: 9092,
      toPort: 9092,
      cidrIpv4: "0.0.0.0/0",
    });
    await first.stop();
    const file = join(cloud.stateDir, "cloud/state.json");
    const state = JSON.parse(readFileSync(file, "utf8")) as State;
    delete state.records[rule.id];
    writeFileSync(file, JSON.stringify(state));

    const next = await cloud.plugin();
    await next.delete(rule);
    expect(await next.diff(net.vpc)).toMatchObject({ changes: true, replaces: [] });
    await next.update(net.vpc, {});
    const rules = ["ip", "netns", "exec", `kafkalab-${net.vpc.id}`, "nft", "list", "ruleset"];
    expect(await must(rules)).not.toContain("9092");
    expect(await next.diff(net.vpc)).toMatchObject({ changes: false });
    await next.stop();
    await cloud.destroy();
  });
});

test("after the last deletion nothing is left", () => accounts.expectNothingLeft());
