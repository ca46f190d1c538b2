import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root, useLab } from "../support/lab";
import { Cloud, type Plugin } from "../support/local-cloud";
import { difference, snapshot } from "../support/machine";
import { must, run } from "../support/run";

/*
 * Whose a lab is, and what belongs to it where Pulumi's state says otherwise. Here everything is as
 * with users who have a umask, proxies and a path of their own: their lab is no different.
 */

/** Does what `destroy` does to what Pulumi's state of a stack has lost. */
const JUDGE = `require("./cli/belongings/belongings.ts").judge("destroy", process.argv[1]).catch((error) => {
  console.error(error.text ?? error);
  process.exitCode = 1;
});`;

process.umask(0o077);
const top = mkdtempSync(join(tmpdir(), 'kafkalab it\'s, "a:b" %20 '));
for (const name of ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"])
  process.env[name] = "http://127.0.0.1:1"; // nobody listens there
const clones = mkdtempSync(join(tmpdir(), 'kafkalab #1 "clones" %20 '));
const clone = join(clones, "another");
process.env["TMPDIR"] = top;
const lab = useLab("belongings");
let before: Set<string>;

beforeAll(async () => {
  before = await snapshot();
  lab.configure({ zookeeperNodes: 1, brokers: 1, replicationFactor: 1 });
  await lab.up();
  expect((await lab.run("checkpoint", "save", "good")).status).toBe(0);
  await checkOut();
});
afterAll(() => {
  for (const dir of [top, clones]) rmSync(dir, { recursive: true, force: true });
});

/** Another checkout of the project, as it is now, with the tools of this one. */
async function checkOut(): Promise<void> {
  mkdirSync(clone);
  const copy =
    'git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$0"';
  await must(["bash", "-c", copy, clone], { cwd: root });
  for (const name of ["node_modules", ".lab"]) symlinkSync(join(root, name), join(clone, name));
}

const elsewhere = (...argv: string[]) =>
  run(argv, { cwd: clone, env: lab.env, timeoutSeconds: 300 });
const ids = () => lab.records().map(({ id }) => id);

test("a lab in such a place is whole", async () => {
  await lab.expectNoChanges();
  const { stdout, output } = await lab.run("ssh", "peter-kafka01", "stat -c %a /");
  expect(stdout, output).toBe("755\n");
  const status = await lab.run("status");
  expect(status.status, status.output).toBe(0);
});

test.each(["up", "preview", "destroy", "drill kill-broker", "checkpoint restore good"])(
  "from another checkout, %s is refused by name",
  async (command) => {
    const there = ids();
    const { status, output } = await elsewhere("scripts/dev/lab.sh", ...command.split(" "));
    expect([status, ids()]).toEqual([1, there]);
    expect(output).toContain(`this lab belongs to another checkout, ${root} (`);
    expect(output).toContain("To take it over for this checkout: npm run take-over");
  },
);

test("plain Pulumi from another checkout removes no resource, and the next up is whole again", async () => {
  const there = ids();
  const destroy =
    'eval "$(scripts/dev/lab.sh env)" && pulumi destroy --stack local --yes --skip-preview';
  const { status, output } = await elsewhere("bash", "-c", destroy);
  expect(status).not.toBe(0);
  expect(output).toContain(`this lab belongs to another checkout, ${root} (`);
  expect(ids()).toEqual(there);
  await lab.up();
  await lab.expectNoChanges();
  expect(ids().sort()).toEqual(there.sort());
});

test("it can be taken over, and a checkout that is gone has no say", async () => {
  const takeOver = await elsewhere("scripts/dev/lab.sh", "take-over");
  expect(takeOver.status, takeOver.output).toBe(0);
  const here = await lab.run("preview");
  expect([here.status, here.output]).toEqual([
    1, expect.stringContaining(`this lab belongs to another checkout, ${clone} (`),
  ]); // prettier-ignore
  renameSync(clone, `${clone}, moved`);
  const { status, output } = await lab.run("preview", "--expect-no-changes");
  expect(status, output).toBe(0);
  expect(output).toContain(`the checkout that created this lab, ${clone}, no longer exists`);
});

test("what Pulumi's state has lost is named, and a checkpoint brings both back", async () => {
  const there = ids();
  const { stdout } = await lab.pulumi("stack", "export");
  const urn = /"(urn:[^"]+::kafka-1-instance)"/.exec(stdout)?.[1] ?? "";
  const lost = await lab.pulumi("state", "delete", "--yes", "--force", "--target-dependents", urn);
  expect(lost.status, lost.output).toBe(0);
  const { status, output } = await lab.run("up");
  expect([status, ids()]).toEqual([1, there]);
  expect(output).toContain(
    "Pulumi's state of the stack local has lost 4 existing resources of the lab: host peter-kafka01, 3 more.",
  );
  expect(output).toContain("npm run checkpoint -- restore NAME");

  const restored = await lab.run("checkpoint", "restore", "good");
  expect(restored.status, restored.output).toBe(0);
  expect(ids()).toEqual(there);
  await lab.expectNoChanges();
  const { stdout: is } = await lab.run("ssh", "peter-kafka01", "systemctl is-active kafka-server");
  expect(is).toBe("active\n");
});

test("a state that cannot be read is named, and destroy removes the whole lab all the same", async () => {
  const file = join(lab.stateDir, "pulumi/.pulumi/stacks/kafkalab/local.json");
  writeFileSync(file, '{"version":3,"checkpoint":{"la');
  const { status, output } = await lab.run("up");
  expect(status).toBe(1);
  expect(output).toContain(`Pulumi's state of the stack local, ${file}, cannot be read: `);

  const destroyed = await lab.destroy();
  expect(destroyed).toContain(
    "removing resources that Pulumi's state has lost: host peter-kafka01, host peter-zk01, volume ",
  );
  expect(lab.records()).toEqual([]);
  const names = readdirSync(join(lab.stateDir, "checkpoints"));
  expect((await lab.run("checkpoint", "delete", ...names)).status).toBe(0);
  expect(difference(before, await snapshot(), lab.owner)).toEqual([]);
});

describe("of two stacks of an account", () => {
  const cloud = new Cloud({ stateDir: join(top, "two stacks") });
  const plugins: Plugin[] = [];
  const stacks = () =>
    cloud.records.map(({ urn, type }) => `${urn.split(":")[2]} ${type.split(":")[2]}`).sort();
  const destroy = (stack: string) =>
    run(["node", "--import", "tsx", "-e", JUDGE, stack], {
      ...{ cwd: root, env: { ...process.env, KAFKALAB_STATE: cloud.stateDir } },
    });

  beforeAll(async () => {
    for (const [index, stack] of ["one", "two"].entries()) {
      const plugin = await cloud.plugin(stack);
      plugins.push(plugin);
      const vpc = await plugin.create("aws:ec2/vpc:Vpc", "net", {
        cidrBlock: `10.7${index}.0.0/16`,
      });
      await plugin.create("aws:ec2/subnet:Subnet", "net", {
        vpcId: vpc.id,
        cidrBlock: `10.7${index}.0.0/24`,
      });
    }
  });
  afterAll(() => cloud.dispose());

  test("one that was renamed is known by its new name", async () => {
    const [vpc] = cloud.records.filter(({ urn }) => urn.startsWith("urn:pulumi:one:"));
    const directory = join(cloud.stateDir, "pulumi/.pulumi/stacks/kafkalab");
    mkdirSync(directory, { recursive: true });
    const state = { version: 3, checkpoint: { latest: { resources: [{ id: vpc?.id }] } } };
    writeFileSync(join(directory, "renamed.json"), JSON.stringify(state));
    expect((await destroy("one")).status).toBe(0);
    expect(stacks()).toEqual(["one Vpc", "two Subnet", "two Vpc"]);
    await plugins[0]?.diff({
      urn: vpc?.urn.replace("pulumi:one", "pulumi:renamed") ?? "",
      id: vpc?.id ?? "",
      inputs: { cidrBlock: "10.70.0.0/16" },
      outs: { cidrBlock: "10.70.0.0/16" },
    });
    await cloud.until("the new name", (records) =>
      records.some(({ urn }) => urn.startsWith("urn:pulumi:renamed:")),
    );
  });

  test("a state that cannot be read keeps what may be its own", async () => {
    writeFileSync(join(cloud.stateDir, "pulumi/.pulumi/stacks/kafkalab/renamed.json"), "{");
    const { status, output } = await destroy("two");
    expect(status).toBe(1);
    expect(output).toContain("renamed.json, cannot be read, so its resources are unknown");
    expect(stacks()).toEqual(["renamed Vpc", "two Subnet", "two Vpc"]);
  });

  test("only the one that is destroyed goes", async () => {
    expect((await destroy("renamed")).status).toBe(0);
    expect(stacks()).toEqual(["two Subnet", "two Vpc"]);
    expect((await destroy("two")).status).toBe(0);
    expect(stacks()).toEqual([]);
  });
});
