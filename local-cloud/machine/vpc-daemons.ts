import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SLIRP_CIDR } from "./blocks";
import type { Daemon } from "./daemon";
import { MIRROR } from "./dns";
import { TAP } from "./links";
import { namespace, vpcRunDir } from "./paths";

/*
 * The daemons of a VPC: DNS and DHCP, the mirror of archives, and the internet gateway.
 */

/** A command that runs the rest of a command line in the namespace of a VPC. */
export const inside = (vpcId: string) => ["ip", "netns", "exec", namespace(vpcId)];

const unitOf = (vpcId: string, role: string) => ({ name: `kafkalab-${vpcId}-${role}.service` });

/** The units of a VPC's daemons. Hosts need them until they are shut down. */
export const vpcUnits = (vpcId: string): string[] =>
  ["dns", "mirror", "internet-gateway"].map((role) => unitOf(vpcId, role).name);

/** The DNS and DHCP service of a VPC. */
export function dnsmasqDaemon(vpcId: string): Daemon {
  const mark = `--conf-file=${vpcRunDir(vpcId)}/dnsmasq.conf`;
  return {
    argv: ["dnsmasq", "--keep-in-foreground", `--user=${dnsmasqUser()}`, "--pid-file=", mark],
    mark,
    logFile: join(vpcRunDir(vpcId), "dnsmasq.log"),
    enter: inside(vpcId),
    unit: unitOf(vpcId, "dns"),
  };
}

/** The user that distributions create for dnsmasq, or dnsmasq's own default. */
const dnsmasqUser = () =>
  /^dnsmasq:/m.test(readFileSync("/etc/passwd", "utf8")) ? "dnsmasq" : "nobody";

/** The archive mirror of a VPC. It can read the cache, wherever it is, and cannot write anything. */
export function mirrorDaemon(vpcId: string): Daemon {
  const mark = join(vpcRunDir(vpcId), "archives");
  const rights = "+net_bind_service,+dac_read_search";
  return {
    argv: ["busybox", "httpd", "-f", "-p", `${MIRROR.address}:80`, "-h", mark],
    mark,
    logFile: join(vpcRunDir(vpcId), "mirror.log"),
    enter: [
      ...inside(vpcId),
      "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
      `--inh-caps=-all,${rights}`, `--ambient-caps=-all,${rights}`, `--bounding-set=-all,${rights}`,
    ],
    unit: unitOf(vpcId, "mirror"),
  }; // prettier-ignore
}

/** The internet gateway of a VPC. */
export function slirpDaemon(vpcId: string): Daemon {
  const mark = `/run/netns/${namespace(vpcId)}`;
  return {
    argv: [
      "slirp4netns", "--netns-type=path", "--configure", "--mtu=65520", "--disable-host-loopback",
      "--enable-sandbox", "--enable-seccomp", `--cidr=${SLIRP_CIDR}`, mark, TAP,
    ], // prettier-ignore
    mark,
    logFile: join(vpcRunDir(vpcId), "internet-gateway.log"),
    // Its sandbox unmounts everything that it does not need. Without its own mount namespace it would
    // unmount all network namespaces of the machine in /run/netns.
    enter: ["unshare", "--mount", "--propagation", "slave"],
    unit: unitOf(vpcId, "internet-gateway"),
  };
}
