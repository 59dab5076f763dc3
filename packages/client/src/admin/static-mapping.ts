import {
  ConfigurationError,
  GLOBAL_SCOPE,
  type LogicQueueItem,
  type TopicConfig,
  type TopicQueueMapping,
} from '@rocketnest/protocol';

/*
 * Plans for static topics: which broker leads which logic queue. Nothing here talks to a broker.
 * Java: TopicQueueMappingUtils.
 */

/** What one broker knows of a static topic. */
export interface MappedConfig extends TopicConfig {
  readonly mappingDetail: TopicQueueMapping;
}

/** By broker name. */
export type MappedConfigs = Readonly<Record<string, MappedConfig>>;

/** What each broker is to know. */
export interface StaticTopicPlan {
  readonly topic: string;
  /** Fences off older plans. */
  readonly epoch: number;
  readonly configs: MappedConfigs;
  /** Brokers that get queues of others, and brokers that give queues away. Empty when a topic is created or grows. */
  readonly mapIn: readonly string[];
  readonly mapOut: readonly string[];
}

/** A logic queue: its parts, oldest first, and the broker of the last one. */
export interface LogicQueue {
  readonly leader: string;
  readonly items: readonly LogicQueueItem[];
}

/** Epochs are times; this much more than the last one where a clock went back. */
const EPOCH_STEP = 1_000;

/** Logic queues by id, as their leaders tell them; the newest mapping wins. Java: checkAndBuildMappingItems. */
export function logicQueues(mappings: readonly TopicQueueMapping[]): Map<number, LogicQueue> {
  const found = new Map<number, LogicQueue>();
  for (const { bname, hostedQueues } of [...mappings].sort((a, b) => b.epoch - a.epoch)) {
    for (const [id, items] of Object.entries(hostedQueues)) {
      if (items.at(-1)?.bname === bname && !found.has(Number(id))) found.set(Number(id), { leader: bname, items });
    }
  }
  return found;
}

/**
 * A topic with `queues` logic queues spread evenly over `targets`, or one that grows to that number: the queues there are stay where they
 * are. Java: createTopicConfigMapping.
 */
export function planStaticTopic(
  topic: string,
  queues: number,
  targets: readonly string[],
  now: MappedConfigs,
  clock: number,
): StaticTopicPlan {
  const { epoch, known } = check(topic, now);
  if (queues <= known.size) {
    throw new ConfigurationError(
      `Static topic ${topic} has ${known.size} queues and cannot have ${queues}: it can only grow. Give a larger number, or use remapStatic to move queues.`,
      { context: { topic, queues, existing: known.size } },
    );
  }
  const load = new Map(targets.map((name) => [name, 0]));
  for (const { leader } of known.values()) load.set(leader, (load.get(leader) ?? 0) + 1);
  const configs = copies(now);
  for (let id = known.size; id < queues; id++) {
    const [broker] = [...load].reduce((least, entry) => (entry[1] < least[1] ? entry : least));
    load.set(broker, load.get(broker)! + 1);
    const config = configOf(configs, topic, broker);
    config.mappingDetail.hostedQueues[id] = [part(0, addQueue(config), broker, 0)];
  }
  return finish(topic, configs, { epoch, clock, queues });
}

/**
 * Leads all logic queues to `targets`, evenly, moving as few as possible. A queue that moves gets a new part, whose place is decided when
 * the old leader takes no more messages. No broker both gives and gets. Java: remappingStaticTopic.
 */
export function planRemapping(
  topic: string,
  targets: readonly string[],
  now: MappedConfigs,
  clock: number,
): StaticTopicPlan {
  const { epoch, known } = check(topic, now);
  if (known.size === 0) {
    throw new ConfigurationError(`No broker knows static topic ${topic}. Create it first, with topics.createStatic.`, {
      context: { topic },
    });
  }
  const leads = new Map<string, number>();
  for (const { leader } of known.values()) leads.set(leader, (leads.get(leader) ?? 0) + 1);
  // Those that lead most get the odd queues, so that these need not move.
  const order = [...new Set(targets)].sort((a, b) => (leads.get(b) ?? 0) - (leads.get(a) ?? 0));
  const room = new Map(order.map((name, at) => [name, share(known.size, order.length, at)]));
  const homeless: number[] = [];
  for (const [id, { leader }] of known) {
    const left = room.get(leader) ?? 0;
    if (left > 0) room.set(leader, left - 1);
    else homeless.push(id);
  }
  const configs = copies(now);
  const mapIn = new Set<string>();
  const mapOut = new Set<string>();
  for (const [broker, left] of room) {
    for (const id of homeless.splice(0, left)) {
      const { leader, items } = known.get(id)!;
      const config = configOf(configs, topic, broker);
      const parts = [...items, part(items.at(-1)!.gen + 1, addQueue(config), broker, -1)];
      config.mappingDetail.hostedQueues[id] = parts;
      configs[leader]!.mappingDetail.hostedQueues[id] = parts;
      mapIn.add(broker);
      mapOut.add(leader);
    }
  }
  return finish(topic, configs, { epoch, clock, queues: known.size, mapIn: [...mapIn], mapOut: [...mapOut] });
}

/** The plan with what brokers that have no queue must know, too: who does. Java: completeNoTargetBrokers. */
export function withBystanders(plan: StaticTopicPlan, brokerNames: readonly string[]): StaticTopicPlan {
  const total = Object.values(plan.configs)[0]?.mappingDetail.totalQueues ?? 0;
  const others = brokerNames.filter((name) => plan.configs[name] === undefined);
  const configs = { ...plan.configs };
  for (const name of others) {
    const config = emptyConfig(plan.topic, name);
    configs[name] = { ...config, mappingDetail: { ...config.mappingDetail, epoch: plan.epoch, totalQueues: total } };
  }
  return { ...plan, configs };
}

/** Where the next part begins: room for what is still being written to the last one. Java: blockSeqRoundUp. */
export function nextBlock(offset: number, blockSize: number): number {
  const blocks = Math.floor(offset / blockSize);
  return (offset % blockSize < blockSize / 2 ? blocks + 1 : blocks + 2) * blockSize;
}

/** @throws ConfigurationError when what the brokers know does not fit together */
function check(topic: string, configs: MappedConfigs): { epoch: number; known: Map<number, LogicQueue> } {
  const refuse = (problem: string): never => {
    throw new ConfigurationError(
      `Static topic ${topic} is in disorder: ${problem}. If a remapping stopped in the middle, finish it with topics.applyStatic; else bring config/topicQueueMapping.json of that broker in order.`,
      { context: { topic } },
    );
  };
  let first: TopicQueueMapping | undefined;
  for (const [broker, { mappingDetail: mapping }] of Object.entries(configs)) {
    if (mapping.bname !== broker) refuse(`broker ${broker} has the mapping of broker ${mapping.bname}`);
    if (mapping.dirty) refuse(`the mapping of broker ${broker} is marked dirty`);
    first ??= mapping;
    for (const field of ['scope', 'epoch', 'totalQueues'] as const) {
      if (mapping[field] !== first[field])
        refuse(`${field} is ${first[field]} on broker ${first.bname} and ${mapping[field]} on broker ${broker}`);
    }
  }
  const known = logicQueues(Object.values(configs).map(({ mappingDetail }) => mappingDetail));
  const total = first?.totalQueues ?? 0;
  for (let id = 0; id < total; id++) if (!known.has(id)) refuse(`no broker leads queue ${id} of ${total}`);
  if (known.size !== total) refuse(`it should have ${total} queues and has ${known.size}`);
  const owners = new Map<string, number>();
  for (const [id, { items }] of known) {
    for (const { bname, queueId } of items) {
      const place = `${bname}-${queueId}`;
      const other = owners.get(place);
      if (other !== undefined) refuse(`queues ${other} and ${id} share the physical queue ${place}`);
      owners.set(place, id);
      if (queueId >= (configs[bname]?.writeQueueNums ?? 0)) refuse(`queue ${id} is in ${place}, which does not exist`);
    }
  }
  return { epoch: first?.epoch ?? 0, known };
}

interface Outcome {
  readonly epoch: number;
  readonly clock: number;
  readonly queues: number;
  readonly mapIn?: readonly string[];
  readonly mapOut?: readonly string[];
}

function finish(topic: string, configs: Record<string, Mutable>, outcome: Outcome): StaticTopicPlan {
  const epoch = Math.max(outcome.epoch + EPOCH_STEP, outcome.clock);
  for (const { mappingDetail } of Object.values(configs)) {
    mappingDetail.epoch = epoch;
    mappingDetail.totalQueues = outcome.queues;
  }
  check(topic, configs);
  return { topic, epoch, configs, mapIn: outcome.mapIn ?? [], mapOut: outcome.mapOut ?? [] };
}

type Mutable = TopicConfig & { mappingDetail: TopicQueueMapping };

function copies(configs: MappedConfigs): Record<string, Mutable> {
  return structuredClone(configs) as Record<string, Mutable>;
}

/** The config of a broker, which gets one if it has none. */
function configOf(configs: Record<string, Mutable>, topic: string, broker: string): Mutable {
  const config = configs[broker] ?? emptyConfig(topic, broker);
  configs[broker] = config;
  return config;
}

function emptyConfig(topic: string, broker: string): Mutable {
  return {
    topicName: topic,
    readQueueNums: 0,
    writeQueueNums: 0,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: {},
    mappingDetail: {
      topic,
      scope: GLOBAL_SCOPE,
      totalQueues: 0,
      bname: broker,
      epoch: 0,
      dirty: false,
      currIdMap: {},
      hostedQueues: {},
    },
  };
}

/** One more physical queue; its id. */
function addQueue(config: Mutable): number {
  config.readQueueNums += 1;
  config.writeQueueNums += 1;
  return config.writeQueueNums - 1;
}

function part(gen: number, queueId: number, bname: string, logicOffset: number): LogicQueueItem {
  return { gen, queueId, bname, logicOffset, startOffset: 0, endOffset: -1, timeOfStart: -1, timeOfEnd: -1 };
}

/** How many of `count` the one at `index` of `takers` gets. */
function share(count: number, takers: number, index: number): number {
  return Math.floor(count / takers) + (index < count % takers ? 1 : 0);
}
