import { type Machine } from "../machine/machine";
import { describeTrial, type Trial } from "../machine/trial";

/*
 * The lab on machines whose PID 1 is systemd, as their users have them.
 */

const install = (packages: string) => (machine: Machine) =>
  machine.sudo(`apt-get update -qq && apt-get install --yes -qq --no-install-recommends ${packages}`, {
    timeoutSeconds: 600,
  }); // prettier-ignore

/** Nothing comes in, goes through or goes out but what is asked for, and the lab's own links. */
const DROPPING_FIREWALL = `table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
  }
  chain output {
    type filter hook output priority filter; policy drop;
    oifname { "lo", "kl-*" } accept
    ct state established,related accept
    udp dport { 53, 67 } accept
    tcp dport { 53, 80, 443 } accept
  }
}`;

const TRIALS: Trial[] = [
  { name: "Debian 13", suite: "trixie" },
  { name: "Debian 12", suite: "bookworm" },
  {
    name: "Debian 13 with Docker",
    suite: "trixie",
    prepare: install("docker.io iptables"),
    passing: /^link: docker0:|^file: .* \/run\/docker\//,
  },
  {
    name: "Debian 13 with a firewall that drops",
    suite: "trixie",
    prepare: (machine) =>
      machine.sudo("tee -a /etc/nftables.conf && systemctl enable nftables", {
        input: DROPPING_FIREWALL,
      }),
  },
  {
    name: "Debian 13 whose networkd takes addresses from all Ethernet links",
    suite: "trixie",
    prepare: (machine) =>
      machine.sudo("sed -i 's/^Name=.*/Type=ether/' /etc/systemd/network/20-wired.network"),
    disturb: async (machine) => {
      await machine.sudo("systemctl restart systemd-networkd");
      await machine.must(machine.lab("up"), 420);
    },
  },
];

for (const trial of TRIALS) describeTrial(trial);
