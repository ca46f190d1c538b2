import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { StoredResource as CloudRecord, State } from "../../local-cloud/machine/store";
import { userDataOf } from "../../local-cloud/aws/user-data";
import { privateDnsName } from "../../local-cloud/aws/ids";

/*
 * EC2's instance metadata service, for images whose own cloud-init is on. It runs in the namespace of a
 * VPC, and answers each host, by its address, out of the local cloud's records. cloud-init fetches a
 * session's token first (version 2) only where DMI names EC2, and in a container it looks at no DMI: so
 * requests without a token are answered, too.
 *
 *   node --import tsx metadata-service.ts STATE.JSON
 */

const TOKEN = "the-token-of-a-session";
const [, , stateFile = ""] = process.argv;

/** A directory of the service, or what a file of it says. */
interface Directory {
  [name: string]: Directory | string;
}

function metadata(instance: CloudRecord, key: CloudRecord | undefined): Directory {
  const { inputs, chosen } = instance;
  const [mac, address] = [String(chosen["mac"]), String(chosen["privateIp"])];
  const name = privateDnsName(address);
  return {
    "meta-data": {
      "ami-id": String(inputs["ami"]),
      "instance-id": instance.id,
      "instance-type": String(inputs["instanceType"]),
      hostname: name,
      "local-hostname": name,
      "local-ipv4": address,
      mac,
      placement: { "availability-zone": "ap-northeast-2a" },
      "block-device-mapping": { ami: "/dev/xvda", root: "/dev/xvda" },
      network: {
        interfaces: {
          macs: {
            [mac]: { "device-number": "0", mac, "local-ipv4s": address, "local-hostname": name },
          },
        },
      },
      ...(key && {
        "public-keys": { [`0=${key.id}`]: { "openssh-key": String(key.inputs["publicKey"]) } },
      }),
    },
    "user-data": userDataOf(inputs).toString(),
    dynamic: {
      "instance-identity": { document: JSON.stringify({ instanceId: instance.id }) },
    },
  };
}

/** What stands under a path; a directory lists its names. */
function lookUp(top: Directory, path: string): string | undefined {
  let found: Directory | string | undefined = top;
  for (const part of path.split("/").filter(Boolean)) {
    if (typeof found !== "object") return undefined;
    const name: string = Object.keys(found).find((key) => key.split("=")[0] === part) ?? part;
    found = found[name];
  }
  if (typeof found !== "object") return found;
  return Object.entries(found)
    .map(([name, value]) => (typeof value === "object" && !name.includes("=") ? `${name}/` : name))
    .join("\n");
}

createServer((request, response) => {
  const { records } = JSON.parse(readFileSync(stateFile, "utf8")) as State;
  const address = request.socket.remoteAddress?.replace(/^::ffff:/, "");
  const instance = Object.values(records).find(
    ({ type, chosen }) => type === "aws:ec2/instance:Instance" && chosen["privateIp"] === address,
  );
  const answer = (status: number, text = "") => {
    process.stdout.write(`${address} ${request.method} ${request.url} ${status}\n`);
    response.writeHead(status).end(text);
  };
  if (request.method === "PUT") return answer(200, TOKEN);
  if (![TOKEN, undefined].includes(request.headers["x-aws-ec2-metadata-token"]?.toString())) {
    return answer(401);
  }
  const [, version = "", path = ""] = /^\/([^/]+)\/?(.*)$/.exec(request.url ?? "") ?? [];
  if (!instance || !/^(latest|20\d\d-\d\d-\d\d)$/.test(version)) return answer(404);
  const key = records[String(instance.inputs["keyName"])];
  const text = lookUp(metadata(instance, key), path);
  return text === undefined ? answer(404) : answer(200, text);
}).listen(80, "169.254.169.254");
