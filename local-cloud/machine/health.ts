import { existsSync } from "node:fs";
import { daemonPid } from "./daemon";
import { LINK_LOCAL_RESOLVER, UPSTREAM } from "./dns";
import type { VpcModel } from "./model";
import { inside, slirpDaemon } from "./vpc-daemons";
import { namespace, vpcRunDir } from "./paths";
import { run } from "../../shared/process";

/** The state of a VPC's services as the hosts see it: `ok` or a description of the problem. */
export interface VpcHealth {
  dns: string;
  /** `none` for a VPC without an internet gateway. */
  wayOut: string;
}

/** Whether the machine restarted since the VPC was created. A restart empties `/run`. */
export const isFromBeforeRestart = (vpcId: string) => !existsSync(vpcRunDir(vpcId));

/** Queries the VPC's DNS for the names of all records, and checks the connection to the outside. */
export async function vpcHealth(vpc: VpcModel): Promise<VpcHealth> {
  const wayOut = vpc.hasInternetGateway ? undefined : "none";
  if (!existsSync(`/run/netns/${namespace(vpc.id)}`)) {
    return { dns: "down", wayOut: wayOut ?? "down" };
  }
  const records = vpc.zones.flatMap((zone) => zone.records).filter(({ type }) => type === "A");
  const answers = await ask(vpc.id, LINK_LOCAL_RESOLVER, records.map(({ name }) => name)); // prettier-ignore
  const wrong = records.filter(({ name, values }) => !values.includes(answers[name] ?? ""));
  const dns = wrong.length ? `no address of ${wrong.map(({ name }) => name).join(", ")}` : "ok";
  if (wayOut !== undefined) {
    return { dns, wayOut };
  }
  if (daemonPid(slirpDaemon(vpc.id)) === undefined) {
    return { dns, wayOut: "down" };
  }
  // The name cannot exist, so the machine's resolver answers it locally. Any answer proves the connection.
  const name = "way-out.invalid";
  const answer = (await ask(vpc.id, UPSTREAM, [name]))[name] ?? "";
  const isMute = ["ETIMEOUT", "ECONNREFUSED"].includes(answer);
  return { dns, wayOut: isMute ? "no answer from the machine's resolver" : "ok" };
}

/** Returns a name server's answer for each name: an address or an error code. */
async function ask(vpcId: string, server: string, names: string[]) {
  const output = await run([...inside(vpcId), process.execPath, "-e", ASK, server, ...names]);
  return JSON.parse(output) as { [name: string]: string };
}

const ASK = `
const [server, ...names] = process.argv.slice(1);
const resolver = new (require("node:dns").promises.Resolver)({ timeout: 5000, tries: 1 });
resolver.setServers([server]);
const answers = names.map(async (name) => {
  const answer = await resolver.resolve4(name).then(([address]) => address, ({ code }) => code);
  return [name, answer];
});
Promise.all(answers).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
`;
