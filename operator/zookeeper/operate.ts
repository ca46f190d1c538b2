/*
 * Changes a ZooKeeper ensemble until it matches the wish: every node runs with its wanted files, and the
 * wanted nodes are the members.
 */
import { setTimeout as delay } from "node:timers/promises";
import { settleAll } from "../../shared/settle-all";
import { messageOf } from "../../shared/message-of";
import { despiteErrors, type Look, waitFor } from "../../shared/wait";
import { hostOf, type Hosts } from "../host";
import { report } from "../progress";
import { noteOf, type ServiceFiles } from "../service/files";
import { type NodeState, SCRIPT_SECONDS, ServiceNode } from "../service/node";
import { restartOrPutBack, type RestartLook } from "../service/restart";
import type { ServiceWish, ZooKeeperNodeWish, ZooKeeperWish } from "../wish";
import type { Member } from "./answers";
import { EnsembleClient } from "./client";
import {
  describeEnsemble,
  type EnsembleLook,
  followersSynced,
  isWhole,
  leaderOf,
} from "./ensemble";
import {
  deadMemberToRemove,
  joinerList,
  type MemberChange,
  nextMemberChange,
  reconfigOption,
} from "./members";
import { describeRoll, nextRollStep } from "./roll";

/** How long a node without data waits for an ensemble to join. */
const JOIN_SECONDS = 120;
/** How long a running node may take to serve before it counts as down. */
const SERVE_SECONDS = 10;
const LOOK_MS = 500;
/** How long a restart waits for a whole ensemble. */
const WHOLE_SECONDS = 300;
/** Time limit for all changes of members, including the wait for a whole ensemble. */
const MEMBERS_SECONDS = 180;

/**
 * Starts or restarts nodes until every node runs with its wanted files, makes the wanted nodes the
 * members of the ensemble, and waits until the ensemble is whole.
 *
 * @throws Error that names the wrong node or setting, and the remedy.
 */
export async function runZooKeeper(wish: ZooKeeperWish, hosts: Hosts): Promise<void> {
  const ensemble = new Ensemble(wish, hosts);
  await ensemble.prepare();
  await ensemble.roll();
  const look = await ensemble.changeMembers();
  report(`ZooKeeper: ${describeEnsemble(look)}`);
}

/** Returns the steps that {@link runZooKeeper} would take, one line each. Changes nothing. */
export function planZooKeeper(wish: ZooKeeperWish, hosts: Hosts): Promise<string[]> {
  return new Ensemble(wish, hosts).plan();
}

/** A node of the ensemble, its host, and its wanted files. */
interface Node extends Member {
  service: ServiceNode;
  files: ServiceFiles;
}

class Ensemble {
  private readonly service: ServiceWish;
  private readonly nodes: readonly Node[];
  private readonly client: EnsembleClient;
  /** Ids of the nodes whose data directory is ready for a start. */
  private readonly prepared = new Set<number>();
  /** Ids of the nodes that this run has started. If one does not serve, changeMembers() times out. */
  private readonly started = new Set<number>();

  constructor(wish: ZooKeeperWish, hosts: Hosts) {
    this.service = wish.service;
    this.nodes = wish.nodes.map((node) => ({
      id: node.id,
      host: node.host.name,
      service: new ServiceNode(hostOf(hosts, node.host), wish.service),
      files: wantedFiles(wish.service, node),
    }));
    const members = this.nodes.map(({ id, host }) => ({ id, host }));
    this.client = new EnsembleClient(hosts, members, wish.service.link);
  }

  /** Waits until all hosts have booted. */
  async prepare(): Promise<void> {
    await settleAll(this.nodes.map(({ service }) => service.prepare()));
  }

  /** Returns the steps of a run, assuming that every step succeeds. */
  async plan(): Promise<string[]> {
    const [look, states] = await Promise.all([this.client.look(), this.states()]);
    const nodes = this.nodes.map(({ id, files }) => ({
      id,
      isCurrent: isCurrent(states.get(id), files),
      serves: serves(look, id),
      isActive: states.get(id)?.active === true,
    }));
    const isMember = (id: number) => look.members?.some((member) => member.id === id) ?? true;
    return [
      ...describeRoll(nodes, leaderOf(look)?.id),
      ...this.nodes.filter(({ id }) => !isMember(id)).map(({ host }) => `add member ${host}`),
      ...look.leaving.map(({ host }) => `remove member ${host}`),
    ];
  }

  /** Starts or restarts nodes until every node runs with its wanted files. */
  async roll(): Promise<void> {
    await this.prepareData();
    let deadline = performance.now() + SERVE_SECONDS * 1000;
    for (;;) {
      const [look, states] = await Promise.all([this.client.look(), this.states()]);
      const nodes = this.nodes.map(({ id, files }) => ({
        id,
        isCurrent: this.started.has(id) || isCurrent(states.get(id), files),
        serves: states.get(id)?.running !== undefined && serves(look, id),
        isActive: states.get(id)?.active === true,
      }));
      const step = nextRollStep(nodes, leaderOf(look)?.id, performance.now() < deadline);
      if (step === undefined) {
        await this.correctFiles(states);
        return;
      }
      if (step.do === "wait") {
        await delay(LOOK_MS);
        continue;
      }
      if (step.do === "start") {
        const starting = this.nodes.filter(({ id }) => step.ids.includes(id));
        await settleAll(starting.map((node) => this.start(node)));
      } else {
        await this.restart(this.nodeOf(step.id), states.get(step.id)?.files);
      }
      deadline = performance.now() + SERVE_SECONDS * 1000;
    }
  }

  /**
   * Writes the wanted files where a killed run left other files. Otherwise the node would use those at its
   * next start.
   */
  private async correctFiles(states: ReadonlyMap<number, NodeState>): Promise<void> {
    const wrong = this.nodes.filter(
      ({ id, files }) => !this.started.has(id) && states.get(id)?.written !== noteOf(files),
    );
    await settleAll(wrong.map(({ service, files }) => service.write(files)));
  }

  /** Makes the wanted nodes the members, one change at a time, and waits until the ensemble is whole. */
  async changeMembers(): Promise<EnsembleLook> {
    return waitFor<EnsembleLook>(
      {
        what: "ZooKeeper ensemble",
        state: "whole",
        seconds: MEMBERS_SECONDS,
        logs: "journalctl -u zookeeper-server on each node",
      },
      despiteErrors(async (): Promise<Look<EnsembleLook>> => {
        const look = await this.client.look();
        const change = nextMemberChange(look);
        if (change === "none" && followersSynced(look)) {
          return { done: look };
        }
        if (change === undefined || change === "none") {
          return { seen: describeEnsemble(look) };
        }
        return { seen: await this.reconfigure(change) };
      }),
    );
  }

  /**
   * Checks the data of all nodes with pending changes, before any of them changes.
   *
   * @throws Error that names the node that cannot run with its wanted files.
   */
  private async prepareData(): Promise<void> {
    const states = await this.states();
    const pending = this.nodes.filter(({ id, files }) => !isCurrent(states.get(id), files));
    const hasMembers = await settleAll(pending.map((node) => this.prepareNode(node)));
    pending.filter((_, at) => hasMembers[at]).forEach(({ id }) => this.prepared.add(id));
  }

  /** @returns Whether the node has a list of members. It cannot start without one. */
  private async prepareNode({ id, service, files }: Node, members = ""): Promise<boolean> {
    const { data, link, user } = this.service;
    const answer = await service.host.script(
      ["zookeeper-data.sh", "zookeeper-prepare.sh"],
      {
        NODE_ID: String(id),
        DATA: data,
        LINK: link,
        SERVICE_USER: user,
        DIRECTORY: files.release,
        CONFIG: files.config,
        MEMBERS: members,
      },
      { seconds: SCRIPT_SECONDS },
    );
    return answer.trim() !== "no members";
  }

  private async start(node: Node): Promise<void> {
    if (!this.prepared.has(node.id)) {
      await this.prepareNode(node, joinerList(await this.findEnsemble(node), node));
    }
    this.started.add(node.id);
    await node.service.write(node.files);
    await node.service.start();
  }

  /**
   * Waits until there is an ensemble that a node without data can join. The node is not a member yet and
   * does not count for a majority. It follows without a vote until the operator adds it.
   */
  private findEnsemble(node: Node): Promise<Member[]> {
    const others = this.nodes.filter(({ id }) => id !== node.id).map(({ host }) => host);
    return waitFor<Member[]>(
      {
        what: `${node.host}, whose data volume is new: an ensemble to join`,
        state: "found",
        seconds: JOIN_SECONDS,
        logs: "journalctl -u zookeeper-server on the other nodes",
      },
      async () => {
        const members = await this.client.membersBeside(node);
        return members === undefined
          ? { seen: `no member that serves on ${others.join(" ")}` }
          : { done: members };
      },
    );
  }

  private async restart(node: Node, former: ServiceFiles | undefined): Promise<void> {
    const { name } = this.service;
    await waitFor(
      {
        what: `${node.host}: ${name}`,
        state: "restarted: the cluster was not whole",
        seconds: WHOLE_SECONDS,
        logs: `journalctl -u ${name}`,
      },
      despiteErrors(async () => {
        const look = await this.client.look();
        if (isWhole(look)) {
          return { done: undefined };
        }
        const dead = deadMemberToRemove(look);
        return { seen: dead === undefined ? describeEnsemble(look) : await this.reconfigure(dead) };
      }),
    );
    await restartOrPutBack({
      node: node.service,
      service: name,
      files: node.files,
      former,
      look: () => this.lookAfterRestart(node),
    });
  }

  private async lookAfterRestart({ id }: Node): Promise<RestartLook> {
    const look = await this.client.look().catch(messageOf);
    if (typeof look === "string") {
      return { serves: false, isWhole: false, isOtherDown: true, seen: look };
    }
    const isServing = serves(look, id);
    return {
      serves: isServing,
      isWhole: isServing && isWhole(look),
      isOtherDown: look.nodes.some((other) => other.id !== id && other.role === undefined),
      seen: describeEnsemble(look),
    };
  }

  private async reconfigure(change: MemberChange): Promise<string> {
    const option = reconfigOption(change);
    report(`ZooKeeper: reconfig ${option}`);
    return `the answer to reconfig ${option}: ${await this.client.reconfigure(change)}`;
  }

  private async states(): Promise<Map<number, NodeState>> {
    const states = await settleAll(this.nodes.map(({ service }) => service.state()));
    return new Map(
      this.nodes.flatMap(({ id }, at) => {
        const state = states[at];
        return state === undefined ? [] : [[id, state]];
      }),
    );
  }

  private nodeOf(id: number): Node {
    const node = this.nodes.find((each) => each.id === id);
    if (node === undefined) {
      throw new Error(`there is no node ${id}`);
    }
    return node;
  }
}

function wantedFiles(service: ServiceWish, { config }: ZooKeeperNodeWish): ServiceFiles {
  const { release, logging, unit } = service;
  return { release, config, logging, unit };
}

function isCurrent(state: NodeState | undefined, files: ServiceFiles): boolean {
  return state?.running === noteOf(files);
}

function serves({ nodes }: EnsembleLook, id: number): boolean {
  return nodes.some((node) => node.id === id && node.role !== undefined);
}
