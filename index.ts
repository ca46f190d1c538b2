import { Provider } from "@pulumi/aws/provider";
import { checkElasticAddresses } from "./components/elastic-addresses";
import { findHosts, keepStoppedHosts } from "./components/existing-hosts";
import { createLab } from "./components/lab";
import { labId } from "./components/lab-id";
import { loadSettings } from "./components/load-settings";
import { findZones } from "./components/zones";

/** The version under which Pulumi.yaml registers the plugin of the local cloud. */
const LOCAL_CLOUD_VERSION = "7.47.1-local";

const settings = loadSettings();

async function main() {
  const cloud =
    settings.target === "local"
      ? new Provider("local-cloud", {}, { version: LOCAL_CLOUD_VERSION })
      : new Provider("aws", { region: settings.region });
  const opts = { provider: cloud };
  const zones = await findZones(settings, opts);
  const id = await labId();
  const hosts = await findHosts(id, opts);
  await Promise.all([
    checkElasticAddresses(settings, id, opts),
    keepStoppedHosts(settings, hosts, opts),
  ]);
  return createLab(settings, { zones, id, isNew: !hosts.any }, cloud);
}

const lab = main();

/** Where Kafka clients inside the VPC connect to. */
export const bootstrapServers = lab.then((outputs) => outputs.bootstrapServers);
/** Where Kafka clients outside the VPC connect to; empty if they cannot. */
export const clientBootstrapServers = lab.then((outputs) => outputs.clientBootstrapServers);
/** How clients connect, and when each certificate ends. */
export const security = lab.then((outputs) => outputs.security);
/** The CA and the users' certificates, keys and passwords; secret. Null in plaintext. */
export const clientSecurity = lab.then((outputs) => outputs.clientSecurity);
/** Where ZooKeeper clients connect to. */
export const zookeeperConnect = lab.then((outputs) => outputs.zookeeperConnect);
/** Every host: addresses, login, host key. */
export const hosts = lab.then((outputs) => outputs.hosts);
/** The key that logs in to every host; secret. */
export const privateKey = lab.then((outputs) => outputs.privateKey);
/** The topic of the smoke test. */
export const topic = lab.then((outputs) => outputs.topic);
/** What the smoke test saw. */
export const smokeTest = lab.then((outputs) => outputs.smokeTest);
