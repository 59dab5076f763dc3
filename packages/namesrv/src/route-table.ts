import {
  type BrokerData,
  type ClusterInfo,
  type DataVersion,
  isWriteable,
  PermName,
  type QueueData,
  ResponseCode,
  ResponseError,
  type TopicConfig,
  type TopicList,
  type TopicRouteData,
} from '@rocketnest/protocol';

/** Broker id of a master (Java: `MixAll.MASTER_ID`); slaves have larger ones. */
const MASTER_ID = 0;
/** Routes of these topics name the real members, never an acting master (Java: `TopicValidator`). */
const SYNC_BROKER_MEMBER_GROUP_PREFIX = 'rmq_sys_SYNC_BROKER_MEMBER_';

/** The switches of the name server that the table obeys; read on every use, so they may change while running. */
export interface RouteTableOptions {
  readonly brokerExpiryMs: number;
  readonly supportActingMaster: boolean;
  readonly notifyMinBrokerIdChanged: boolean;
  readonly deleteTopicWithBrokerRegistration: boolean;
}

/** Which broker. */
export interface BrokerIdentity {
  readonly clusterName: string;
  readonly brokerName: string;
  readonly brokerAddr: string;
  /** 0 is the master. */
  readonly brokerId: number;
}

export interface BrokerRegistration extends BrokerIdentity {
  readonly haServerAddr: string;
  readonly zoneName?: string | undefined;
  /** Silence after which the broker is taken for dead. Default: the table's `brokerExpiryMs`. */
  readonly heartbeatTimeoutMs?: number | undefined;
  /** Absent: a broker older than 5.0, which knows no acting masters. */
  readonly enableActingMaster?: boolean | undefined;
  readonly dataVersion: DataVersion;
  readonly topicConfigs: readonly TopicConfig[];
  /** Topic → its static queue mapping (Java: `TopicQueueMappingInfo`), handed on as it came. */
  readonly queueMappings: Readonly<Record<string, unknown>>;
  readonly filterServers: readonly string[];
  /** The broker is gone when this connection closes. Compared by identity, never used. */
  readonly connection: object;
}

/** What a slave learns by registering. */
export interface MasterAddresses {
  haServerAddr?: string;
  masterAddr?: string;
}

/** A broker group's lowest broker id changed; its members want to know (Java: `NotifyMinBrokerIdChangeRequestHeader`). */
export interface MinBrokerIdChange {
  readonly minBrokerId: number;
  readonly minBrokerAddr: string;
  readonly offlineBrokerAddr: string | undefined;
  readonly haBrokerAddr: string | undefined;
  /** Brokers to tell. */
  readonly addresses: readonly string[];
}

interface Group {
  readonly cluster: string;
  readonly brokerName: string;
  readonly addrs: Map<number, string>;
  enableActingMaster: boolean;
  zoneName: string | undefined;
}

interface Live extends BrokerIdentity {
  lastSeenAt: number;
  readonly timeoutMs: number;
  readonly dataVersion: DataVersion;
  readonly connection: object;
  readonly haServerAddr: string;
  readonly filterServers: readonly string[];
}

/**
 * Who serves which topic: pure state, no sockets, no timers (Java: `RouteInfoManager`).
 *
 * ```
 * topics    topic → broker name → queues and permission
 * groups    broker name → cluster, broker id → address
 * live      cluster + address → last sign of life, data version, connection
 * ```
 */
export class RouteTable {
  readonly #topics = new Map<string, Map<string, QueueData>>();
  readonly #groups = new Map<string, Group>();
  readonly #live = new Map<string, Live>();
  readonly #queueMappings = new Map<string, Map<string, unknown>>();
  readonly #options: RouteTableOptions;
  readonly #now: () => number;
  readonly #onMinBrokerIdChange: (change: MinBrokerIdChange) => void;

  constructor(
    options: RouteTableOptions,
    now: () => number,
    onMinBrokerIdChange: (change: MinBrokerIdChange) => void = () => {},
  ) {
    this.#options = options;
    this.#now = now;
    this.#onMinBrokerIdChange = onMinBrokerIdChange;
  }

  /**
   * Takes a broker in, or refreshes it, with all its topics.
   *
   * A registration of one topic only (Java: `enableSingleTopicRegister`) is an update to a broker known already.
   * @throws ResponseError SYSTEM_ERROR when such an update comes from a broker that is not registered.
   */
  register(broker: BrokerRegistration): MasterAddresses {
    const { clusterName, brokerName, brokerAddr, brokerId } = broker;
    const known = this.#groups.get(brokerName);
    if (!known?.addrs.has(brokerId) && broker.topicConfigs.length === 1) {
      throw new ResponseError('register broker failed', {
        responseCode: ResponseCode.SYSTEM_ERROR,
        remark: `register broker failed: ${brokerName}[${brokerId}] at ${brokerAddr} must register all its topics before a single one`,
      });
    }
    const group = known ?? this.#newGroup(clusterName, brokerName);
    group.enableActingMaster = broker.enableActingMaster ?? false;
    group.zoneName = broker.zoneName;
    const previousMinId = group.addrs.size > 0 ? minId(group) : MASTER_ID;

    // A slave that became master, or the reverse, keeps its address under the new id only.
    for (const [id, addr] of group.addrs) if (addr === brokerAddr && id !== brokerId) group.addrs.delete(id);

    const rivalAddr = group.addrs.get(brokerId);
    const rival = rivalAddr === undefined ? undefined : this.#live.get(liveKey(clusterName, rivalAddr));
    if (rivalAddr !== brokerAddr && rival && rival.dataVersion.stateVersion > broker.dataVersion.stateVersion) {
      this.#live.delete(liveKey(clusterName, brokerAddr));
      return {};
    }
    const first = known === undefined || !rivalAddr;
    group.addrs.set(brokerId, brokerAddr);

    const isMaster = brokerId === MASTER_ID;
    const isPrimeSlave = !isMaster && broker.enableActingMaster !== undefined && brokerId === minId(group);
    if (isMaster || isPrimeSlave) this.#takeTopics(broker, first, isPrimeSlave && group.enableActingMaster);

    this.#live.set(liveKey(clusterName, brokerAddr), {
      clusterName,
      brokerName,
      brokerAddr,
      brokerId,
      lastSeenAt: this.#now(),
      timeoutMs: broker.heartbeatTimeoutMs ?? this.#options.brokerExpiryMs,
      dataVersion: broker.dataVersion,
      connection: broker.connection,
      haServerAddr: broker.haServerAddr,
      filterServers: broker.filterServers,
    });
    if (brokerId < previousMinId) this.#announceMinId(group, undefined, broker.haServerAddr);
    return isMaster ? {} : this.#masterOf(group);
  }

  /** Forgets a broker, and its topics when it was the last of its name. */
  unregister({ clusterName, brokerName, brokerAddr, brokerId }: BrokerIdentity): void {
    this.#live.delete(liveKey(clusterName, brokerAddr));
    const group = this.#groups.get(brokerName);
    if (!group) return;
    const wasMin = group.addrs.size > 0 && brokerId === minId(group);
    for (const [id, addr] of group.addrs) if (addr === brokerAddr) group.addrs.delete(id);
    if (group.addrs.size === 0) {
      this.#groups.delete(brokerName);
      for (const topic of [...this.#topics.keys()]) this.#removeQueues(topic, brokerName);
      return;
    }
    if (group.enableActingMaster && minId(group) > MASTER_ID) {
      for (const queues of this.#topics.values()) {
        const data = queues.get(brokerName);
        if (data) data.perm &= ~PermName.WRITE;
      }
    }
    if (wasMin) this.#announceMinId(group, brokerAddr, undefined);
  }

  /** Forgets the brokers that registered over this connection; returns them. */
  connectionClosed(connection: object): BrokerIdentity[] {
    return this.#unregisterIf((live) => live.connection === connection);
  }

  /** Forgets the brokers that were silent for too long; returns them with their connections. */
  expire(): (BrokerIdentity & { readonly connection: object })[] {
    const now = this.#now();
    return this.#unregisterIf((live) => live.lastSeenAt + live.timeoutMs < now);
  }

  /** Notes a sign of life. */
  heartbeat(clusterName: string, brokerAddr: string): void {
    const live = this.#live.get(liveKey(clusterName, brokerAddr));
    if (live) live.lastSeenAt = this.#now();
  }

  /** The version of the topics last registered by a broker; undefined when it is not registered. */
  dataVersion(clusterName: string, brokerAddr: string): DataVersion | undefined {
    return this.#live.get(liveKey(clusterName, brokerAddr))?.dataVersion;
  }

  /** True when a broker with these topics should register (again). */
  isChanged(clusterName: string, brokerAddr: string, version: DataVersion): boolean {
    const registered = this.dataVersion(clusterName, brokerAddr);
    return registered === undefined || !sameVersion(registered, version);
  }

  /** Where a topic lives; undefined when no registered broker has it. The result is the caller's. */
  route(topic: string): TopicRouteData | undefined {
    const queues = this.#topics.get(topic);
    if (!queues) return undefined;
    const groups = [...queues.keys()].flatMap((name) => this.#groups.get(name) ?? []);
    if (groups.length === 0) return undefined;
    const mappings = this.#queueMappings.get(topic);
    return {
      queueDatas: [...queues.values()].map((data) => ({ ...data })),
      brokerDatas: groups.map((group) => this.#withActingMaster(topic, toBrokerData(group), queues)),
      filterServerTable: this.#filterServersOf(groups),
      ...(mappings !== undefined && mappings.size > 0 && { topicQueueMappingByBroker: Object.fromEntries(mappings) }),
    };
  }

  clusterInfo(): ClusterInfo {
    const groups = [...this.#groups.values()];
    const clusters = new Set(groups.map(({ cluster }) => cluster));
    const namesIn = (cluster: string) =>
      groups.filter((group) => group.cluster === cluster).map(({ brokerName }) => brokerName);
    return {
      brokerAddrTable: Object.fromEntries(groups.map((group) => [group.brokerName, toBrokerData(group)])),
      clusterAddrTable: Object.fromEntries([...clusters].map((cluster) => [cluster, namesIn(cluster)])),
    };
  }

  /** Broker id → address of the brokers that share a name; empty when there is none. */
  members(brokerName: string): Record<number, string> {
    return Object.fromEntries(this.#groups.get(brokerName)?.addrs ?? []);
  }

  allTopics(): TopicList {
    return { topicList: [...this.#topics.keys()] };
  }

  /** Topics with a queue in the cluster. Java: `getTopicsByCluster`. */
  topicsOfCluster(cluster: string): TopicList {
    const inCluster = (brokerName: string) => this.#groups.get(brokerName)?.cluster === cluster;
    const topicList = [...this.#topics]
      .filter(([, queues]) => [...queues.keys()].some(inCluster))
      .map(([topic]) => topic);
    return { topicList };
  }

  /** Clusters and brokers have a topic of their name each; `brokerAddr` is one broker to ask for the rest. */
  systemTopics(): TopicList {
    const { clusterAddrTable } = this.clusterInfo();
    const topicList = Object.entries(clusterAddrTable ?? {}).flatMap(([cluster, names]) => [cluster, ...names]);
    const [brokerAddr] = [...this.#groups.values()].flatMap(({ addrs }) => [...addrs.values()]);
    return { topicList: [...new Set(topicList)], ...(brokerAddr !== undefined && { brokerAddr }) };
  }

  /** Topics by the bits of their `topicSysFlag`: those that have the `wanted` ones and none of the `unwanted`. */
  topicsWithFlag(wanted: number, unwanted = 0): TopicList {
    const matches = (queues: Map<string, QueueData>): boolean => {
      const [data] = queues.values();
      const flag = data?.topicSysFlag ?? 0;
      return (flag & wanted) === wanted && (flag & unwanted) === 0;
    };
    return { topicList: [...this.#topics].filter(([, queues]) => matches(queues)).map(([topic]) => topic) };
  }

  /** Adds routes by hand. Ignored, as Apache does, when a named broker is not registered. */
  registerTopic(topic: string, queueDatas: readonly QueueData[]): void {
    if (queueDatas.length === 0 || !queueDatas.every(({ brokerName }) => this.#groups.has(brokerName))) return;
    const queues = this.#queuesOf(topic);
    for (const data of queueDatas) queues.set(data.brokerName, { ...data });
  }

  /** Removes a topic's routes, in one cluster or everywhere. The brokers still have it. */
  deleteTopic(topic: string, clusterName?: string): void {
    for (const brokerName of [...(this.#topics.get(topic)?.keys() ?? [])]) {
      if (clusterName && this.#groups.get(brokerName)?.cluster !== clusterName) continue;
      this.#removeQueues(topic, brokerName);
    }
  }

  /** Takes WRITE from all topics of a broker, so that producers leave it; returns how many. */
  wipeWritePerm(brokerName: string): number {
    return this.#changePerm(brokerName, (perm) => perm & ~PermName.WRITE);
  }

  /** Gives READ and WRITE to all topics of a broker; returns how many. */
  addWritePerm(brokerName: string): number {
    return this.#changePerm(brokerName, () => PermName.READ | PermName.WRITE);
  }

  #newGroup(cluster: string, brokerName: string): Group {
    const group: Group = { cluster, brokerName, addrs: new Map(), enableActingMaster: false, zoneName: undefined };
    this.#groups.set(brokerName, group);
    return group;
  }

  #takeTopics(broker: BrokerRegistration, first: boolean, wipeWrite: boolean): void {
    const { clusterName, brokerAddr, brokerName, topicConfigs, queueMappings } = broker;
    if (this.#options.deleteTopicWithBrokerRegistration && Object.keys(queueMappings).length === 0) {
      const current = new Set(topicConfigs.map(({ topicName }) => topicName));
      for (const topic of [...this.#topics.keys()]) if (!current.has(topic)) this.#removeQueues(topic, brokerName);
    }
    const changed = first || this.isChanged(clusterName, brokerAddr, broker.dataVersion);
    for (const { topicName, perm, readQueueNums, writeQueueNums, topicSysFlag } of topicConfigs) {
      // Unchanged registrations keep what wipeWritePerm did.
      if (!changed && this.#topics.get(topicName)?.has(brokerName)) continue;
      this.#queuesOf(topicName).set(brokerName, {
        brokerName,
        readQueueNums,
        writeQueueNums,
        perm: wipeWrite ? perm & ~PermName.WRITE : perm,
        topicSysFlag,
      });
    }
    if (!changed) return;
    // A static topic that was deleted and created anew as an ordinary one. (Apache keeps the old mapping.)
    for (const { topicName } of topicConfigs) {
      if (!Object.hasOwn(queueMappings, topicName)) this.#queueMappings.get(topicName)?.delete(brokerName);
    }
    for (const [topic, mapping] of Object.entries(queueMappings)) {
      const byBroker = this.#queueMappings.get(topic) ?? new Map<string, unknown>();
      byBroker.set(brokerName, mapping);
      this.#queueMappings.set(topic, byBroker);
    }
  }

  #masterOf({ cluster, addrs }: Group): MasterAddresses {
    const masterAddr = addrs.get(MASTER_ID);
    const master = masterAddr === undefined ? undefined : this.#live.get(liveKey(cluster, masterAddr));
    return master ? { haServerAddr: master.haServerAddr, masterAddr: master.brokerAddr } : {};
  }

  #unregisterIf(condition: (live: Live) => boolean): Live[] {
    const gone = [...this.#live.values()].filter(condition);
    for (const live of gone) this.unregister(live);
    return gone;
  }

  #queuesOf(topic: string): Map<string, QueueData> {
    const queues = this.#topics.get(topic) ?? new Map<string, QueueData>();
    this.#topics.set(topic, queues);
    return queues;
  }

  #removeQueues(topic: string, brokerName: string): void {
    const queues = this.#topics.get(topic);
    if (queues?.delete(brokerName) && queues.size === 0) this.#topics.delete(topic);
  }

  #changePerm(brokerName: string, change: (perm: number) => number): number {
    let count = 0;
    for (const queues of this.#topics.values()) {
      const data = queues.get(brokerName);
      if (!data) continue;
      data.perm = change(data.perm);
      count++;
    }
    return count;
  }

  /** Shows the surviving slave with the lowest id as master of a group that lost its own, so that reads go on. */
  #withActingMaster(topic: string, broker: BrokerData, queues: ReadonlyMap<string, QueueData>): BrokerData {
    const ids = Object.keys(broker.brokerAddrs).map(Number);
    const data = queues.get(broker.brokerName);
    if (
      !this.#options.supportActingMaster ||
      topic.startsWith(SYNC_BROKER_MEMBER_GROUP_PREFIX) ||
      !broker.enableActingMaster ||
      ids.length === 0 ||
      ids.includes(MASTER_ID) ||
      !data ||
      isWriteable(data.perm)
    ) {
      return broker;
    }
    const { [Math.min(...ids)]: acting, ...others } = broker.brokerAddrs;
    return { ...broker, brokerAddrs: { ...others, [MASTER_ID]: acting! } };
  }

  #filterServersOf(groups: readonly Group[]): Record<string, string[]> {
    const servers = groups.flatMap(({ cluster, addrs }) =>
      [...addrs.values()].map((addr): [string, string[]] => {
        const live = this.#live.get(liveKey(cluster, addr));
        return [addr, [...(live?.filterServers ?? [])]];
      }),
    );
    return Object.fromEntries(servers.filter(([, list]) => list.length > 0));
  }

  #announceMinId(group: Group, offlineBrokerAddr: string | undefined, haBrokerAddr: string | undefined): void {
    if (!this.#options.notifyMinBrokerIdChanged || (offlineBrokerAddr !== undefined && !group.enableActingMaster))
      return;
    const minBrokerId = minId(group);
    // Somebody left: tell all that remain. Somebody came: it knows, tell the others.
    const tellAll = offlineBrokerAddr !== undefined || group.addrs.size === 1;
    this.#onMinBrokerIdChange({
      minBrokerId,
      minBrokerAddr: group.addrs.get(minBrokerId)!,
      offlineBrokerAddr,
      haBrokerAddr,
      addresses: [...group.addrs].filter(([id]) => tellAll || id !== minBrokerId).map(([, addr]) => addr),
    });
  }
}

function liveKey(clusterName: string, brokerAddr: string): string {
  return `${clusterName}\n${brokerAddr}`;
}

function minId({ addrs }: Group): number {
  return Math.min(...addrs.keys());
}

function sameVersion(a: DataVersion, b: DataVersion): boolean {
  return a.stateVersion === b.stateVersion && a.timestamp === b.timestamp && a.counter === b.counter;
}

function toBrokerData({ cluster, brokerName, addrs, enableActingMaster, zoneName }: Group): BrokerData {
  return {
    cluster,
    brokerName,
    brokerAddrs: Object.fromEntries(addrs),
    enableActingMaster,
    ...(zoneName !== undefined && { zoneName }),
  };
}
