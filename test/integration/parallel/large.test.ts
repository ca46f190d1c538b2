import { expect, test } from "vitest";
import { hostOf } from "../../support/host";
import { useLab } from "../../support/lab";

/*
 * A lab that differs from the book's in all that decides its shape: two zones, five ZooKeeper nodes,
 * nine brokers, another domain, another network.
 */

const lab = useLab("large", async (lab) => {
  lab.configure({
    availabilityZones: ["ap-northeast-2b", "ap-northeast-2d"],
    zookeeperNodes: 5,
    zookeeperHeapMiB: 64,
    brokers: 9,
    brokerHeapMiB: 256,
    domain: "lab.foo.bar",
    vpcCidr: "172.22.4.0/23",
    // Nine brokers would need more elastic addresses than the quota allows.
    clientAllowedCidrs: ["none"],
    tags: { team: "data" },
  });
  await lab.up();
});

test("is up, spread over its zones, and needs no change", async () => {
  const { smokeTest, bootstrapServers, hosts } = await lab.stackOutputs();
  expect(Object.keys(hosts)).toHaveLength(14);
  expect(smokeTest.inSyncReplicas).toHaveLength(3);
  expect(bootstrapServers.split(",").at(-1)).toBe("peter-kafka09.lab.foo.bar:9092");
  const broker = hostOf(await lab.hosts(), "peter-kafka09");
  const properties = await broker.run("cat /usr/local/kafka/config/server.properties");
  expect(properties).toContain("broker.rack=apne2-az2\n");
  const seen = await broker.run("kcat -L -b localhost:9092 | grep -c '^ *broker'");
  expect(seen).toBe("9\n");

  await lab.expectNoChanges();
});
