import { addressAt, parseCidr } from "./addresses";
import type { VpcModel } from "./model";

/** AWS's resolver has this address in every VPC, in addition to the VPC's base address plus two. */
export const LINK_LOCAL_RESOLVER = "169.254.169.253";

/** The server in a VPC for the archives that the setup downloaded. It uses plain HTTP, like any mirror. */
export const MIRROR = { name: "mirror.local-cloud.internal", address: "169.254.169.252" };

/** The MTU within a VPC on AWS. */
export const VPC_MTU = 9001;

/** The resolver of slirp4netns. It forwards queries to the machine's own resolver. */
export const UPSTREAM = "198.19.255.3";

/**
 * Returns the files of the VPC's dnsmasq by name. It is the VPC's DHCP service and its DNS, which AWS calls
 * the Amazon-provided DNS. dnsmasq reads all files except dnsmasq.conf again on SIGHUP.
 */
export function dnsFiles(vpc: VpcModel, dir: string): Readonly<{ [file: string]: string }> {
  const records = vpc.zones.flatMap((z) => z.records);
  const subnets = vpc.subnets.map((s) => ({ ...s, tag: s.id }));
  return {
    "dnsmasq.conf": [
      "no-resolv",
      "no-hosts",
      "no-ping",
      "bind-dynamic",
      "except-interface=uplink",
      "except-interface=tap0",
      "dhcp-authoritative",
      "dhcp-ignore=tag:!known",
      "dhcp-rapid-commit",
      // Otherwise dnsmasq returns the host's own name, and the host starts two services to process it.
      "dhcp-ignore-names",
      "cache-size=1000",
      "neg-ttl=5",
      ...(vpc.hasInternetGateway ? [`server=${UPSTREAM}`] : []),
      `dhcp-hostsfile=${dir}/dhcp-hosts`,
      `dhcp-optsfile=${dir}/dhcp-options`,
      `dhcp-leasefile=${dir}/leases`,
      `addn-hosts=${dir}/hosts`,
      `host-record=${MIRROR.name},${MIRROR.address}`,
      "local=/local-cloud.internal/",
      ...vpc.zones.map((z) => `local=/${z.name}/`),
      ...subnets.map(
        (s) => `dhcp-range=set:${s.tag},${addressAt(s.cidr, 0)},static,${mask(s.cidr)},1h`,
      ),
      ...records
        .filter((r) => r.type === "CNAME")
        .flatMap(({ name, values }) => values.map((value) => `cname=${name},${bare(value)}`)),
      "",
    ].join("\n"),
    "dhcp-hosts": lines(vpc.hosts.map((h) => `${h.mac},${h.privateIp}`)),
    "dhcp-options": lines([
      `option:dns-server,${addressAt(vpc.cidr, 2)}`,
      `option:mtu,${VPC_MTU}`,
      ...subnets.map((s) => `tag:${s.tag},option:router,${addressAt(s.cidr, 1)}`),
      ...(vpc.domainName === undefined ? [] : [`option:domain-name,${vpc.domainName}`]),
    ]),
    hosts: lines(hostLines(records)),
  };
}

/**
 * dnsmasq answers a reverse query with the first name of the address in its hosts file, so the names of
 * PTR records come first. dnsmasq also resolves such a name to the address. So this function leaves out a
 * PTR record that contradicts the name's A record.
 */
function hostLines(records: VpcModel["zones"][number]["records"]): string[] {
  const forward = records
    .filter((r) => r.type === "A")
    .flatMap((r) => r.values.map((address) => ({ address, name: r.name })));
  const reverse = records
    .filter((r) => r.type === "PTR")
    .flatMap(({ name, values: [value] }) =>
      value === undefined ? [] : { address: reverseAddress(name), name: bare(value) },
    )
    .filter(({ address, name }) => {
      const own = forward.filter((entry) => entry.name === name);
      return own.length === 0 || own.some((entry) => entry.address === address);
    });
  const key = (e: { address: string; name: string }) => `${e.address} ${e.name}`;
  return [...new Set([...reverse, ...forward].map(key))];
}

/** `11.1.0.10.in-addr.arpa` → `10.0.1.11` */
function reverseAddress(name: string): string {
  return name
    .replace(/\.in-addr\.arpa\.?$/, "")
    .split(".")
    .reverse()
    .join(".");
}

const bare = (name: string) => name.replace(/\.$/, "");
const lines = (items: string[]) => items.map((item) => `${item}\n`).join("");

function mask(cidr: string): string {
  const { prefix } = parseCidr(cidr);
  return addressAt("0.0.0.0/0", -(2 ** (32 - prefix)));
}
