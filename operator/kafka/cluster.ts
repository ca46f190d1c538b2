import { hostOf, type Hosts, type RemoteHost } from "../host";
import { ServiceNode, type NodeState } from "../service/node";
import type { ServiceFiles } from "../service/files";
import type { BrokerWish, KafkaWish } from "../wish";
import { type Look, waitFor } from "../../shared/wait";
import { ACCESS_NOTE } from "./access/note";
import { tool, ToolError } from "./client";
import { type Excuses, isSick, partitionName, serves, without } from "./health";
import type { Metadata } from "./metadata";
import { LIVE_NOTE } from "./live";
import { type Reassignment, readReassignments } from "./moves";
import { PROTOCOL_NOTE, protocolOf, protocolOfRelease } from "./protocol";
import type { BrokerLook } from "./roll";
import { answerOf, isOpen, judgeCluster } from "./whole";
import { itemAt } from "../../shared/item-at";

const WHOLE_SECONDS = 300;
const LOGS = "journalctl -u kafka-server on each broker";
/**
 * How long the operator waits for a whole cluster before it queries reassignments. It then reuses the
 * answer for the same time, because each query starts a JVM.
 */
const REASSIGNMENT_SECONDS = 5;

/** A broker of the wish, with the connection to its host. */
export interface Broker extends BrokerWish {
  node: ServiceNode;
  connection: RemoteHost;
  wanted: ServiceFiles;
}

/** The state of the brokers of a wish. */
export interface ClusterLook {
  brokers: BrokerLook[];
  states: ReadonlyMap<number, NodeState>;
  /** Metadata of the broker that knows the most brokers; undefined if no broker answers. */
  metadata: Metadata | undefined;
}

/** A cluster with its wanted brokers, and connections to their hosts. */
export class KafkaCluster {
  readonly brokers: readonly Broker[];
  readonly ids: readonly number[];
  /** `host:port` of up to three brokers. */
  readonly bootstrap: readonly string[];
  private listed: { names: readonly string[]; until: number } = { names: [], until: 0 };

  /**
   * @param stage The stage of a change whose files the brokers get; see the wish.
   */
  constructor(
    readonly wish: KafkaWish,
    private readonly hosts: Hosts,
    readonly stage = wish.stages.length - 1,
  ) {
    const { service } = wish;
    this.brokers = wish.brokers.map((broker) => {
      const connection = hostOf(hosts, broker.host);
      const { release, logging } = service;
      const wanted = { release, logging, ...itemAt(broker.stages, stage) };
      return { ...broker, connection, wanted, node: new ServiceNode(connection, service, notesOf) };
    });
    this.ids = this.brokers.map(({ id }) => id);
    this.bootstrap = this.brokers.slice(0, 3).map(({ server }) => server);
  }

  /** The same cluster in another stage of a change. */
  at(stage: number): KafkaCluster {
    return stage === this.stage ? this : new KafkaCluster(this.wish, this.hosts, stage);
  }

  /** The host that runs Kafka's tools and stores the note of a move. */
  get first(): RemoteHost {
    const [broker] = this.brokers;
    if (broker === undefined) {
      throw new Error("a cluster must have a broker");
    }
    return broker.connection;
  }

  /** The file in a broker's data directory that names the broker and the cluster. */
  get metaFile(): string {
    return `${this.wish.service.data}/meta.properties`;
  }

  broker(id: number): Broker {
    const found = this.brokers.find((broker) => broker.id === id);
    if (found === undefined) {
      throw new Error(`broker ${id} is not in the wish`);
    }
    return found;
  }

  /**
   * Runs one of Kafka's own tools.
   *
   * @param host The host that runs it. @default the first broker's
   */
  tool(
    name: string,
    args: readonly string[],
    input?: string,
    host: RemoteHost = this.first,
  ): Promise<string> {
    return tool(host, name, args, { servers: this.bootstrap, input });
  }

  /** Reads the state of all brokers in parallel. */
  async look(): Promise<ClusterLook> {
    const notes = [PROTOCOL_NOTE, LIVE_NOTE, ACCESS_NOTE, this.metaFile];
    const [states, all] = await Promise.all([
      Promise.all(this.brokers.map(({ node }) => node.state(notes))),
      Promise.all(this.brokers.map((broker) => answerOf(broker))),
    ]);
    const open = await Promise.all(
      this.brokers.map(
        async (broker, at) => typeof itemAt(all, at) !== "string" || (await isOpen(broker)),
      ),
    );
    // A sick broker may have outdated metadata and list fewer brokers.
    const [known] = all
      .filter((answer) => typeof answer !== "string")
      .sort((one, other) => other.brokers.length - one.brokers.length);
    const sick = known === undefined ? [] : await this.sickAmong(this.ids, known);
    const brokers = this.brokers.map((broker, index): BrokerLook => {
      const state = itemAt(states, index);
      const answers = typeof itemAt(all, index) !== "string";
      const signs = { answers, isActive: state.active, isOpen: itemAt(open, index) };
      const isServing = serves(broker.id, signs, known);
      return {
        id: broker.id,
        serves: isServing,
        isSick: isServing && (!answers || sick.includes(broker.id)),
        files: state.files,
        running: state.running,
        protocol: presentProtocol(state),
        wanted: broker.wanted,
      };
    });
    const byId = this.brokers.map(({ id }, index) => [id, itemAt(states, index)] as const);
    return { brokers, states: new Map(byId), metadata: known };
  }

  /**
   * Returns the brokers that are sick. Ignores partitions that Kafka is reassigning, because their new
   * replicas are not in sync yet.
   */
  async sickAmong(ids: readonly number[], known: Metadata): Promise<number[]> {
    if (!ids.some((id) => isSick(known, id))) {
      return [];
    }
    const settled = without(known, new Set(await this.reassigned()));
    return ids.filter((id) => isSick(settled, id));
  }

  /**
   * Waits until the cluster is whole: every broker is registered, all replicas are in sync, and all brokers
   * report the same partitions. One broker's report is not enough. A stopped broker stays registered
   * until its ZooKeeper session expires. A broker that has just started answers before it knows the
   * topics and their leaders. Ignores replicas on stopped brokers that leave the cluster.
   */
  async awaitWhole(): Promise<Metadata> {
    const started = performance.now();
    const wait = { what: "Kafka cluster", state: "whole", seconds: WHOLE_SECONDS, logs: LOGS };
    return waitFor(wait, async () => {
      const found = await this.judge({ leaving: true }, this.brokers);
      return "done" in found
        ? found
        : { seen: found.seen + (await this.describeReassigned(started)) };
    });
  }

  /** Calls {@link judgeCluster} with the wanted brokers. */
  judge(excuses: Excuses, asked: readonly Broker[]): Promise<Look<Metadata>> {
    return judgeCluster(asked, this.ids, excuses);
  }

  /** Returns the reassignments that are under way. Returns none if the tool fails. */
  async reassignments(): Promise<Reassignment[]> {
    try {
      return readReassignments(await this.tool("kafka-reassign-partitions.sh", ["--list"]));
    } catch (error) {
      if (error instanceof ToolError) {
        return [];
      }
      throw error;
    }
  }

  /** Returns the names of the partitions that Kafka is reassigning, as known a few seconds ago. */
  async reassigned(): Promise<readonly string[]> {
    if (performance.now() >= this.listed.until) {
      const names = (await this.reassignments()).map(partitionName);
      this.listed = { names, until: performance.now() + REASSIGNMENT_SECONDS * 1000 };
    }
    return this.listed.names;
  }

  /**
   * Describes the current reassignments for the message of a wait. Returns "" if there are none, and
   * while the wait is short.
   *
   * @param since When the wait began, by `performance.now()`. @default long ago
   */
  async describeReassigned(since = -Infinity): Promise<string> {
    const isShort = performance.now() - since < REASSIGNMENT_SECONDS * 1000;
    const names = isShort ? [] : await this.reassigned();
    return names.length === 0
      ? ""
      : `; a reassignment is under way, of ${names.join(", ")}. See it with kafka-reassign-partitions.sh --list`;
  }
}

/**
 * The protocol determines the data format. {@link ServiceNode} writes this note before the files, so the
 * note is never older than the files.
 */
const notesOf = ({ config }: ServiceFiles) => ({ [PROTOCOL_NOTE]: protocolOf(config) });

/**
 * Returns a broker's current protocol: from the note, else from the broker's file, else the default of
 * its release. Returns undefined if the broker was never configured.
 */
function presentProtocol({ files, further }: NodeState): string | undefined {
  const note = further.get(PROTOCOL_NOTE)?.trim();
  if (note !== undefined && note !== "") {
    return note;
  }
  return files && (protocolIn(files.config) ?? protocolOfRelease(files.release));
}

function protocolIn(config: string): string | undefined {
  try {
    return protocolOf(config);
  } catch {
    return undefined;
  }
}
