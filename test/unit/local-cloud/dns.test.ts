import { expect, test } from "vitest";
import { dnsFiles } from "../../../local-cloud/machine/dns";
import { vpc } from "./model";

const zones = [
  {
    name: "foo.bar",
    records: [
      { name: "kafka01.foo.bar", type: "A", values: ["10.0.1.11", "10.0.1.12"] },
      { name: "old.foo.bar", type: "A", values: ["10.0.1.11"] },
      { name: "broker.foo.bar", type: "CNAME", values: ["kafka01.foo.bar."] },
    ],
  },
  {
    name: "1.0.10.in-addr.arpa",
    records: [{ name: "11.1.0.10.in-addr.arpa", type: "PTR", values: ["kafka01.foo.bar."] }],
  },
];

test("hosts get their address, router, resolver, MTU and domain by DHCP", () => {
  const files = dnsFiles(vpc({ domainName: "foo.bar" }), "/run/x");
  expect(files["dhcp-hosts"]).toBe("0a:00:00:00:00:01,10.0.1.11\n0a:00:00:00:00:02,10.0.1.12\n");
  expect(files["dhcp-options"]).toBe(
    [
      "option:dns-server,10.0.0.2",
      "option:mtu,9001",
      "tag:subnet-0aa,option:router,10.0.1.1",
      "option:domain-name,foo.bar",
      "",
    ].join("\n"),
  );
  expect(files["dnsmasq.conf"]).toContain(
    "dhcp-range=set:subnet-0aa,10.0.1.0,static,255.255.255.0,1h\n",
  );
});

test("without DHCP options no domain is offered", () => {
  expect(dnsFiles(vpc(), "/run/x")["dhcp-options"]).not.toContain("domain");
});

test("the zones' names are answered here and nowhere else, reverse ones by their PTR record", () => {
  const files = dnsFiles(vpc({ zones }), "/run/x");
  expect(files["hosts"]).toBe(
    ["10.0.1.11 kafka01.foo.bar", "10.0.1.12 kafka01.foo.bar", "10.0.1.11 old.foo.bar", ""].join("\n"),
  ); // prettier-ignore
  expect(files["dnsmasq.conf"]).toContain("local=/foo.bar/\nlocal=/1.0.10.in-addr.arpa/\n");
  expect(files["dnsmasq.conf"]).toContain("cname=broker.foo.bar,kafka01.foo.bar\n");
});

test("a host is not found at the address of a PTR record that is about to go", () => {
  const name = "kafka01.foo.bar";
  const moving = [
    { name: "foo.bar", records: [{ name, type: "A", values: ["10.0.1.11"] }] },
    {
      name: "1.0.10.in-addr.arpa",
      records: ["11", "99"].map((octet) => ({
        name: `${octet}.1.0.10.in-addr.arpa`,
        type: "PTR",
        values: [name],
      })),
    },
  ];
  expect(dnsFiles(vpc({ zones: moving }), "/run/x")["hosts"]).toBe(`10.0.1.11 ${name}\n`);
});

test("other names are asked of the internet only through a gateway", () => {
  const open = dnsFiles(vpc(), "/run/x")["dnsmasq.conf"];
  const closed = dnsFiles(vpc({ hasInternetGateway: false }), "/run/x")["dnsmasq.conf"];
  expect(open).toMatch(/^server=198\.19\.255\.3$/m);
  expect(closed).not.toMatch(/^server=/m);
});
