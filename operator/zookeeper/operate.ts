/*
 * Changes a ZooKeeper ensemble until it matches the wish: every node runs with its wanted files, and the
 * wanted nodes are the members. If the security level changes, the ensemble goes through all levels between.
 */
import { setTimeout as delay } from "node:timers/promises";
import { itemAt } from "../../shared/item-at";
import { settleAll } from "../../shared/settle-all";
import { messageOf } from "../../shared/message-of";
import { despiteErrors, type Look, waitFor } from "../../shared/wait";
import { hostOf, type Hosts } from "../host";
import { report } from "../progress";
import { noteOf, type ServiceFiles } from "../service/files";
import { type NodeState, SCRIPT_SECONDS, ServiceNode } from "../service/node";
import { restartOrPutBack, type RestartLook } from "../service/restart";
import type { ServiceWish, ZooKeeperWish } from "../wish";
import type { Member } from "./answers";
import { EnsembleClient } from "./client";
import {
  describeEnsemble,
  type EnsembleLook,
  followersSynced,
  isWhole,
  leaderOf,
  serves,
} from "./ensemble";
import {
  deadMemberToRemove,
  joinerList,
  type MemberChange,
  nextMemberChange,
  reconfigOption,
} from "./members";
import { nextRollStep } from "./roll";
import { describeTargets, levelFault, type Target, targetsOf } from "./targets";

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
 * members of the ensemble, and waits until the ensemble is whole. Then removes secrets that no node needs.
 *
 * @throws Error that names the wrong node or setting, and the remedy.
 */
export async function runZooKeeper(wish: ZooKeeperWish, hosts: Hosts): Promise<void> {
  const ensemble = new Ensemble(wish, hosts);
  await ensemble.prepare();
  const states = await ensemble.roll();
  const look = await ensemble.changeMembers();
  await ensemble.forgetSecrets(states);
  report(`ZooKeeper: ${describeEnsemble(look)}`);
}

/** Returns the steps that {@link runZooKeeper} would take, one line each. Changes nothing. */
export function planZooKeeper(wish: ZooKeeperWish, hosts: Hosts): Promise<string[]> {
  return new Ensemble(wish, hosts).plan();
}

/** A node of the ensemble and its host. */
interface Node extends Member {
  service: ServiceNode;
}

class Ensemble {
  private readonly service: ServiceWish;
  private readonly nodes: readonly Node[];
  private readonly client: EnsembleClient;
  /** The files of a node at each security level. */
  private readonly levels: readonly ServiceFiles[];
  private readonly wantedLevel: number;
  private readonly isChanging: boolean;
  /** The files of the wanted level. */
  private readonly wanted: ServiceFiles;
  /** Ids of the nodes whose data directory is ready for a start. */
  private readonly prepared = new Set<number>();
  /**
   * The notes of the files that this run has started nodes with, by id. If such a node does not serve,
   * changeMembers() times out.
   */
  private readonly started = new Map<number, string>();

  constructor(wish: ZooKeeperWish, hosts: Hosts) {
    this.service = wish.service;
    this.nodes = wish.nodes.map((node) => ({
      id: node.id,
      host: node.host.name,
      service: new ServiceNode(hostOf(hosts, node.host), wish.service),
    }));
    const { release, logging } = wish.service;
    this.levels = wish.levels.map((level) => ({ release, logging, ...level }));
    this.wantedLevel = wish.level;
    this.isChanging = wish.isChanging ?? false;
    this.wanted = itemAt(this.levels, wish.level);
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
    const isMember = (id: number) => look.members?.some((member) => member.id === id) ?? true;
    return [
      ...describeTargets(this.targets(look, states), leaderOf(look)?.id, this.wantedLevel),
      ...this.nodes.filter(({ id }) => !isMember(id)).map(({ host }) => `add member ${host}`),
      ...look.leaving.map(({ host }) => `remove member ${host}`),
    ];
  }

  /**
   * Starts or restarts nodes until every node runs with its wanted files. Returns the states of the nodes.
   */
  async roll(): Promise<Map<number, NodeState>> {
    await this.prepareData();
    let deadline = performance.now() + SERVE_SECONDS * 1000;
    for (;;) {
      const [look, states] = await Promise.all([this.client.look(), this.states()]);
      const targets = this.targets(look, states);
      const step = nextRollStep(targets, leaderOf(look)?.id, performance.now() < deadline);
      if (step === undefined) {
        await this.correctFiles(states);
        return states;
      }
      if (step.do === "wait") {
        await delay(LOOK_MS);
        continue;
      }
      if (step.do === "start") {
        const starting = targets.filter(({ id }) => step.ids.includes(id));
        await settleAll(starting.map((target) => this.start(target)));
      } else {
        const target = targetOf(targets, step.id);
        if (target.present !== target.level && look.leaving.length > 0) {
          // The members that leave keep their level. Soon they could not talk to the others.
          await this.changeMembers();
          continue;
        }
        await this.restart(target, states.get(step.id)?.files);
      }
      deadline = performance.now() + SERVE_SECONDS * 1000;
    }
  }

  private targets(look: EnsembleLook, states: ReadonlyMap<number, NodeState>): Target[] {
    const { levels, wantedLevel, isChanging, started } = this;
    const ids = this.nodes.map(({ id }) => id);
    const facts = { ids, look, states, levels, wantedLevel, isChanging, started };
    const fault = levelFault(facts);
    if (fault !== undefined) {
      throw new Error(fault);
    }
    return targetsOf(facts);
  }

  /**
   * Writes the wanted files where a killed run left other files. Otherwise the node would use those at its
   * next start.
   */
  private async correctFiles(states: ReadonlyMap<number, NodeState>): Promise<void> {
    const note = noteOf(this.wanted);
    const wrong = this.nodes.filter(
      ({ id }) => !this.started.has(id) && states.get(id)?.written !== note,
    );
    await settleAll(wrong.map(({ service }) => service.write(this.wanted)));
  }

  /** Removes the secrets of former files. */
  async forgetSecrets(states: ReadonlyMap<number, NodeState>): Promise<void> {
    await settleAll(
      this.nodes.map(async ({ id, service }) => {
        const state = states.get(id);
        if (state !== undefined) {
          await service.forgetSecrets(state, this.wanted);
        }
      }),
    );
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
    const note = noteOf(this.wanted);
    const pending = this.nodes.filter(({ id }) => states.get(id)?.running !== note);
    const hasMembers = await settleAll(pending.map((node) => this.prepareNode(node)));
    pending.filter((_, at) => hasMembers[at]).forEach(({ id }) => this.prepared.add(id));
  }

  /** @returns Whether the node has a list of members. It cannot start without one. */
  private async prepareNode({ id, service }: Node, members = ""): Promise<boolean> {
    const { data, link, user } = this.service;
    const answer = await service.host.script(
      ["zookeeper-data.sh", "zookeeper-prepare.sh"],
      {
        NODE_ID: String(id),
        DATA: data,
        LINK: link,
        SERVICE_USER: user,
        DIRECTORY: this.wanted.release,
        CONFIG: this.wanted.config,
        MEMBERS: members,
      },
      { seconds: SCRIPT_SECONDS },
    );
    return answer.trim() !== "no members";
  }

  private async start({ id, files }: Target): Promise<void> {
    const node = this.nodeOf(id);
    if (!this.prepared.has(node.id)) {
      await this.prepareNode(node, joinerList(await this.findEnsemble(node), node));
    }
    this.started.set(node.id, noteOf(files));
    await node.service.write(files);
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

  private async restart({ id, files }: Target, former: ServiceFiles | undefined): Promise<void> {
    const { name } = this.service;
    const node = this.nodeOf(id);
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
      files,
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

function targetOf(targets: readonly Target[], id: number): Target {
  const target = targets.find((each) => each.id === id);
  if (target === undefined) {
    throw new Error(`there is no node ${id}`);
  }
  return target;
}
