import { type ClientLab, openLab } from "../clients/lab";
import { usersDirectory } from "../clients/output-file";
import { Tunnel } from "../clients/tunnel";
import { checkPorts, planTunnel, type TunnelPlan } from "../clients/tunnel-plan";
import { checkRoute } from "../hosts/access-files";
import { catchEnd, runAttached } from "../lib/child";
import { type LabCommand, stackOption } from "../lib/command";
import { environmentArguments } from "../lib/last-program";
import { print, tell } from "../lib/output";

export const command: LabCommand = {
  summary: "open ports on this machine that lead to the brokers of a private lab",
  examples: [
    "npm run tunnel",
    "npm run tunnel -- -s dev",
    "npm run tunnel -- -- kcat -b localhost:19092 -L",
  ],
  define(command, act) {
    command
      .addOption(stackOption())
      .argument("[command...]", "run this command while the tunnel is open, then close the tunnel")
      .passThroughOptions()
      .action(
        act(async (words: string[], { stack }: { stack: string }) => {
          const before = { ...process.env };
          const lab = await openLab(stack);
          const plan = planTunnel(lab);
          await checkRoute(lab.hosts, lab.stack);
          await checkPorts(plan.forwards, stack);
          return holdTunnel(plan, lab, words, before);
        }),
      );
  },
};

/** Keeps the tunnel open until a signal comes, the command ends or the tunnel breaks. */
async function holdTunnel(
  plan: TunnelPlan,
  { directory }: ClientLab,
  words: string[],
  before: NodeJS.ProcessEnv,
): Promise<number> {
  const end = catchEnd();
  const tunnel = new Tunnel(plan, directory);
  try {
    const silent = await Promise.race([tunnel.opened(), end.status]);
    if (typeof silent === "number") {
      return silent;
    }
    for (const broker of silent) {
      tell(`kafkalab: ${broker} does not answer; see: npm run status`);
    }
    if (words.length === 0) {
      print(...usage(plan));
      return await Promise.race([end.status, tunnel.broken()]);
    }
    // The command gets the environment and the directory of the user, not those of this process.
    const restored = environmentArguments(process.env, before);
    return await runAttached(["env", `--chdir=${usersDirectory()}`, ...restored, ...words]);
  } finally {
    await tunnel.close();
    end.release();
  }
}

function usage({ bastion, bootstrapServers, forwards, isSecured }: TunnelPlan): string[] {
  const brokers = forwards.length === 1 ? "1 broker" : `${forwards.length} brokers`;
  const [first = ""] = bootstrapServers.split(",");
  return [
    `The tunnel to ${brokers} through ${bastion} is open. Ctrl-C closes it.`,
    `  bootstrap servers: ${bootstrapServers}`,
    ...(isSecured
      ? ["  a client's file:   npm run -s client-config -- --user NAME --out FILE python"]
      : [
          `  in another shell:  kcat -b ${first} -L`,
          "  a client's file:   npm run -s client-config -- python",
        ]),
  ];
}
