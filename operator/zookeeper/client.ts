/*
 * The operator's requests to ZooKeeper. It sends four-letter words through SSH to the server's port, so
 * no process starts on a host. To change the members it runs ZooKeeper's own command line on a host,
 * because the change needs a password that never leaves that host.
 */
import { hostOf, type Hosts, NoReply, type RemoteHost } from "../host";
import { type Member, readMembers, readQuorum, readRole, type Role } from "./answers";
import { type EnsembleLook, leaderOf, type Server } from "./ensemble";
import { type MemberChange, reconfigOption } from "./members";

const CLIENT_PORT = 2181;
/** How long a server may take to answer. */
const ANSWER_SECONDS = 5;
/** Longer than the time limit that the script sets for ZooKeeper's command line. */
const RECONFIG_SECONDS = 90;

/** Sends requests to the servers of an ensemble. */
export class EnsembleClient {
  private readonly first: RemoteHost;

  /**
   * @param nodes The nodes that should be members, by id.
   * @param link Symbolic link to the release on each host.
   */
  constructor(
    private readonly hosts: Hosts,
    private readonly nodes: readonly Member[],
    private readonly link: string,
  ) {
    const [first] = nodes;
    if (first === undefined) {
      throw new Error("an ensemble must have a node");
    }
    this.first = this.hostOf(first);
  }

  /** Queries all servers: the nodes that should be members, and the members that should leave. */
  async look(): Promise<EnsembleLook> {
    const nodes = await Promise.all(
      this.nodes.map(async (node) => ({ ...node, role: await this.role(this.hostOf(node)) })),
    );
    const serving = nodes.find(({ role }) => role !== undefined);
    if (serving === undefined) {
      return { nodes, members: undefined, leaving: [], quorum: undefined };
    }
    const asking = this.hostOf(serving);
    const members = readMembers(await this.answer(asking, "conf"));
    const leaving = await this.askLeaving(asking, members ?? []);
    const leader = leaderOf({ nodes, leaving });
    const mntr =
      leader === undefined
        ? ""
        : await (this.isWanted(leader)
            ? this.answer(this.hostOf(leader), "mntr")
            : this.answer(asking, "mntr", leader.host));
    return { nodes, members, leaving, quorum: readQuorum(mntr) };
  }

  /** Returns the members as another node reports them; undefined if no other node serves. */
  async membersBeside({ id }: Member): Promise<Member[] | undefined> {
    for (const node of this.nodes.filter((other) => other.id !== id)) {
      const members = readMembers(await this.answer(this.hostOf(node), "conf"));
      if (members !== undefined) {
        return members;
      }
    }
    return undefined;
  }

  /** Changes the members through the first node. Returns the last line of ZooKeeper's answer. */
  async reconfigure(change: MemberChange): Promise<string> {
    const answer = await this.first.script(
      ["zookeeper-data.sh", "zookeeper-reconfig.sh"],
      { CHANGE: reconfigOption(change), LINK: this.link },
      { seconds: RECONFIG_SECONDS },
    );
    return answer.trim();
  }

  private isWanted({ id }: Member): boolean {
    return this.nodes.some((node) => node.id === id);
  }

  private hostOf({ host }: Member): RemoteHost {
    return hostOf(this.hosts, { name: host });
  }

  private async askLeaving(asking: RemoteHost, members: readonly Member[]): Promise<Server[]> {
    const leaving = members.filter((member) => !this.isWanted(member));
    const asked = leaving.map(async (member) => ({
      ...member,
      role: await this.role(asking, member.host),
    }));
    return (await Promise.all(asked)).sort((one, other) => one.id - other.id);
  }

  private async role(asking: RemoteHost, address?: string): Promise<Role | undefined> {
    return readRole(await this.answer(asking, "srvr", address));
  }

  /** Returns the answer of the server at `address`, or "" if it does not answer. @default the host itself */
  private async answer(asking: RemoteHost, word: string, address?: string): Promise<string> {
    try {
      return await asking.ask(CLIENT_PORT, word, ANSWER_SECONDS, address);
    } catch (error) {
      if (error instanceof NoReply) {
        return "";
      }
      throw error;
    }
  }
}
