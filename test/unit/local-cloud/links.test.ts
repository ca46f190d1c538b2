import { describe, expect, test } from "vitest";
import { macAddress } from "../../../local-cloud/machine/addresses";
import { guardRoute } from "../../../local-cloud/machine/guard";
import {
  type Found,
  type Link,
  nothing,
  repairsOf,
  type Route,
} from "../../../local-cloud/machine/links";
import { vpc } from "./model";

const OUTER = "kl-0123456789ab";
const BRIDGE_MAC = macAddress("vpc-0123456789abcdef0", "10.0.1.1");
const GUARD = { type: "unreachable", metric: 4294967295 };
const WAY = { gateway: "198.18.0.2", dev: OUTER };

const link = (name: string, index: number, addresses: string[], rest: Partial<Link> = {}): Link => ({
  ...{ name, index, addresses, up: true, isolated: false },
  mtu: /^(br|p)-/.test(name) ? 9001 : 1500,
  ...rest,
}); // prettier-ignore

/** The kernel's state for the VPC of `model.ts`. */
const whole = (): Found => ({
  outer: link(OUTER, 40, ["198.18.0.1/30"], { peer: 2 }),
  routes: [WAY, GUARD],
  linkRoutes: [{ dst: "198.18.0.0/30" }, { dst: "198.18.0.0/24", gateway: WAY.gateway }],
  links: [
    link("lo", 1, ["127.0.0.1/8", "169.254.169.253/32", "169.254.169.252/32", "10.0.0.2/32"]),
    link("uplink", 2, ["198.18.0.2/30"], { peer: 40 }),
    link("br-0aa", 3, ["10.0.1.1/24"], { mac: BRIDGE_MAC }),
    link("p-0a", 4, [], { peer: 2, bridge: "br-0aa", isolated: true }),
    link("p-0b", 5, [], { peer: 2, bridge: "br-0aa", isolated: true }),
    link("tap0", 6, ["198.19.255.100/24"]),
  ],
  defaultRoutes: [{ gateway: "198.19.255.2", dev: "tap0" }],
  sysctls: new Map([
    ["net.ipv4.ip_forward", "1"],
    ["net.ipv4.conf.all.send_redirects", "0"],
    ["net.ipv4.conf.default.send_redirects", "0"],
    ["net.ipv6.conf.all.disable_ipv6", "1"],
    ["net.ipv6.conf.default.disable_ipv6", "1"],
    ["net.ipv4.conf.br-0aa.proxy_arp_pvlan", "1"],
    ["net.ipv4.conf.br-0aa.send_redirects", "0"],
    ["net.ipv4.neigh.br-0aa.proxy_delay", "0"],
  ]),
});

const NOTHING = { pair: false, stale: [], machine: [], router: [], sysctls: [], slirp: false };
const change = (name: string, changes: Partial<Link>) => (found: Found) => {
  Object.assign(
    found.links.find((each) => each.name === name)!,
    changes,
  );
};
const remove = (name: string) => (found: Found) => {
  found.links = found.links.filter((each) => each.name !== name);
};
const setting = (name: string, value: string) => (found: Found) => {
  found.sysctls = new Map([...found.sysctls, [name, value]]);
};

test("a VPC that is whole needs nothing", () => {
  expect(repairsOf(vpc(), whole(), true)).toEqual(NOTHING);
  expect(nothing(repairsOf(vpc(), whole(), true))).toBe(true);
});

describe("what is lost on its own is mended on its own", () => {
  const guard = `route replace ${guardRoute("198.18.0.0/24")}`;
  const way = `route replace 198.18.0.0/24 via 198.18.0.2 dev ${OUTER}`;
  const outerAddress = `address replace 198.18.0.1/30 dev ${OUTER}`;
  const pair = {
    pair: true,
    machine: [outerAddress, `link set ${OUTER} up`, way],
    router: ["address replace 198.18.0.2/30 dev uplink", "link set uplink up"],
  };

  test.each<[string, (found: Found) => void, Partial<typeof NOTHING> | object]>([
    ["the guard", (f) => (f.routes = [WAY]), { machine: [guard] }],
    ["a guard that is preferred to the way", (f) => (f.routes = [WAY, { ...GUARD, metric: 1 }]), { machine: [guard] }],
    ["the machine's route", (f) => (f.routes = [GUARD]), { machine: [way] }],
    ["a route by another link", (f) => (f.routes = [{ ...WAY, dev: "eth0" }, GUARD]), { machine: [way] }],
    ["the machine's end is down", (f) => { f.outer!.up = false; f.routes = [GUARD]; }, { machine: [`link set ${OUTER} up`, way] }],
    ["the machine's address", (f) => { f.outer!.addresses = []; f.routes = [GUARD]; }, { machine: [outerAddress, way] }],
    ["the machine's address, replaced by DHCP's", (f) => { f.outer!.addresses = ["192.0.2.9/24"]; }, { machine: [outerAddress] }],
    ["the machine's end", (f) => { delete f.outer; f.routes = [GUARD]; }, pair],
    ["the machine's end, for another link of that name", (f) => { f.outer!.peer = 9; }, pair],
    ["the router's end, for another link of that name", change("uplink", { peer: 9 }), pair],
    ["the router's end", (f) => { remove("uplink")(f); f.outer!.peer = 0; f.routes = [GUARD]; }, pair],
    ["the router's end is down", change("uplink", { up: false }), { router: ["link set uplink up"] }],
    ["the router's address", change("uplink", { addresses: [] }), { router: ["address replace 198.18.0.2/30 dev uplink"] }],
    ["lo is down", change("lo", { up: false }), { router: ["link set lo up"] }],
    ["the addresses on lo", change("lo", { addresses: ["10.0.0.2/32"] }), { router: ["address replace 169.254.169.253/32 dev lo", "address replace 169.254.169.252/32 dev lo"] }],
    ["a bridge is down", change("br-0aa", { up: false }), { router: ["link set br-0aa up"] }],
    ["a bridge's address", change("br-0aa", { addresses: ["10.0.1.9/24"] }), { router: ["address replace 10.0.1.1/24 dev br-0aa"] }],
    ["a bridge's own MAC address, for a port's", change("br-0aa", { mac: "06:00:00:00:00:01" }), { router: [`link set br-0aa address ${BRIDGE_MAC}`] }],
    ["the size of a bridge's frames", change("br-0aa", { mtu: 1500 }), { router: ["link set br-0aa mtu 9001"] }],
    ["the size of a port's frames", change("p-0a", { mtu: 1500 }), { router: ["link set p-0a mtu 9001"] }],
    ["a bridge, with its ports", (f) => { remove("br-0aa")(f); change("p-0a", { bridge: undefined })(f); change("p-0b", { bridge: undefined, up: false })(f); }, {
      router: [
        ...["link add br-0aa type bridge", `link set br-0aa address ${BRIDGE_MAC}`, "link set br-0aa mtu 9001", "address replace 10.0.1.1/24 dev br-0aa", "link set br-0aa up"],
        ...["link set p-0a down", "link set p-0a master br-0aa", "link set p-0a type bridge_slave isolated on", "link set p-0a up"],
        ...["link set p-0b master br-0aa", "link set p-0b type bridge_slave isolated on", "link set p-0b up"],
      ],
    }],
    ["a port is down", change("p-0a", { up: false }), { router: ["link set p-0a up"] }],
    ["a port's isolation", change("p-0a", { isolated: false }), { router: ["link set p-0a type bridge_slave isolated on"] }],
    ["a host's port is that host's", remove("p-0a"), {}],
    ["tap0 is down", (f) => { change("tap0", { up: false })(f); f.defaultRoutes = []; }, { router: ["link set tap0 up", "route replace default via 198.19.255.2 dev tap0"] }],
    ["tap0's address", change("tap0", { addresses: [] }), { router: ["address replace 198.19.255.100/24 dev tap0"] }],
    ["tap0", (f) => { remove("tap0")(f); f.defaultRoutes = []; }, { slirp: true }],
    ["forwarding", setting("net.ipv4.ip_forward", "0"), { sysctls: ["net.ipv4.ip_forward=1"] }],
    ["ARP for the neighbours", setting("net.ipv4.conf.br-0aa.proxy_arp_pvlan", "0"), { sysctls: ["net.ipv4.conf.br-0aa.proxy_arp_pvlan=1"] }],
    ["a bridge of a subnet that is gone", (f) => f.links.push(link("br-0bb", 9, [])), { router: ["link delete br-0bb"] }],
  ])("%s", (_, lose, repairs) => {
    const found = whole();
    lose(found);
    expect(repairsOf(vpc(), found, true)).toEqual({ ...NOTHING, ...repairs });
    expect(nothing(repairsOf(vpc(), found, true))).toBe(Object.keys(repairs).length === 0);
  }); // prettier-ignore
});

test("without slirp4netns there is no tap0, and without IPv6 nothing to disable", () => {
  const found = whole();
  remove("tap0")(found);
  found.defaultRoutes = [];
  found.sysctls = new Map([...found.sysctls].filter(([name]) => !name.startsWith("net.ipv6.")));
  expect(repairsOf(vpc(), found, false)).toEqual(NOTHING);
});

test("a new VPC gets all its links", () => {
  const links = [link("lo", 1, [], { up: false })];
  const found: Found = {
    ...{ routes: [], linkRoutes: [], links, defaultRoutes: [] },
    sysctls: new Map(),
  };
  const repairs = repairsOf(vpc(), found, false);
  expect(repairs.pair).toBe(true);
  // Until the guard is there, no address and no route is.
  expect(repairs.machine[0]).toBe(`route replace ${guardRoute("198.18.0.0/24")}`);
  expect(repairs.router).toHaveLength(11);
});

describe("the routes of elastic addresses", () => {
  const ADDRESS = "198.19.7.20";
  const model = vpc({ elastic: [{ id: "eipassoc-1", address: ADDRESS }] });
  const own = { dst: ADDRESS, gateway: WAY.gateway };
  const way = `route replace ${ADDRESS} via ${WAY.gateway} dev ${OUTER}`;
  /** The machine's routes through the link besides the VPC's own. */
  const having = (...routes: Route[]): Found => ({
    ...whole(),
    linkRoutes: [...whole().linkRoutes, ...routes],
  });

  test.each<[string, Found, string[]]>([
    ["are there", having(own), []],
    ["are missing", having(), [way]],
    ["lead to another router", having({ ...own, gateway: "198.18.9.2" }), [way]],
  ])("%s", (_, found, machine) => {
    expect(repairsOf(model, found, true)).toEqual({ ...NOTHING, machine });
  });

  test("go with the link, and come with it", () => {
    const found = having(own);
    found.outer!.peer = 9;
    expect(repairsOf(model, found, true).machine.at(-1)).toBe(way);
  });

  test("are stale without the association", () => {
    const found = having(own);
    expect(repairsOf(vpc(), found, true)).toEqual({ ...NOTHING, stale: [ADDRESS] });
    expect(nothing({ ...NOTHING, stale: [ADDRESS] })).toBe(false);
  });

  test.each<[string, Route]>([
    ["of a private address", { dst: "10.0.1.11", gateway: WAY.gateway }],
    ["to another router", { ...own, gateway: "198.18.9.2" }],
    ["of a block", { ...own, dst: "198.19.8.0/24" }],
    ["of a default route", { ...own, dst: "default" }],
  ])("leave somebody's own route %s alone", (_, route) => {
    const found = having(route);
    expect(repairsOf(vpc(), found, true)).toEqual(NOTHING);
  });
});
