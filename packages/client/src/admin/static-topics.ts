import {
  ConfigurationError,
  encodeTopicQueueMapping,
  PartialError,
  parseTopicConfigAndQueueMapping,
  parseTopicStatsTable,
  Requests,
  ResponseCode,
  SystemTopic,
  TimeoutError,
  validateTopic,
} from '@rocketnest/protocol';
import { logicQueuesOf } from '../logic-queues.js';
import type { BrokersOf, Where } from './brokers-of.js';
import { changeAll } from './gathered.js';
import {
  logicQueues,
  type MappedConfig,
  type MappedConfigs,
  nextBlock,
  planRemapping,
  planStaticTopic,
  type StaticTopicPlan,
  withBystanders,
} from './static-mapping.js';

/** A static topic to create or change. */
export interface StaticTopicInput extends Where {
  readonly topic: string;
  /** Brokers that lead its queues. Default: all of `cluster`, or all there are. */
  readonly brokers?: readonly string[];
  /** True: return the plan, change nothing. Default false. */
  readonly preview?: boolean;
}

/** Logic offsets of two parts of a queue are at least this far apart. Java: TopicQueueMappingUtils.DEFAULT_BLOCK_SEQ_SIZE. */
const BLOCK_SIZE = 10_000;
const VISIBLE_WITHIN_MS = 10_000;
const POLL_MS = 50;

/** Static topics: a fixed number of logic queues, whose physical queues move between brokers. Java: MQAdminUtils. */
export class StaticTopics {
  constructor(private readonly brokers: BrokersOf) {}

  async create(input: StaticTopicInput & { readonly queues: number }): Promise<StaticTopicPlan> {
    const { topic, queues } = input;
    validateTopic(topic);
    if (!Number.isInteger(queues) || queues < 1) {
      throw new ConfigurationError(`queues of static topic ${topic} is ${queues}; give a whole number from 1.`, {
        context: { topic, queues },
      });
    }
    const { masters, targets, now } = await this.look(input);
    const plan = this.complete(planStaticTopic(topic, queues, targets, now, Date.now()), masters);
    if (input.preview) return plan;
    await this.write(plan, Object.keys(plan.configs), masters);
    await this.untilVisible(plan);
    return plan;
  }

  async remap(input: StaticTopicInput): Promise<StaticTopicPlan> {
    const { topic } = input;
    validateTopic(topic);
    const { masters, targets, now } = await this.look(input);
    const plan = this.complete(planRemapping(topic, targets, now, Date.now()), masters);
    if (input.preview || plan.mapIn.length === 0) return plan;
    return this.move(plan, masters);
  }

  /** A plan from a preview, or one that stopped in the middle. */
  async apply(plan: StaticTopicPlan): Promise<StaticTopicPlan> {
    const members = await this.brokers.masters();
    return this.move(plan, new Map(members.map(({ brokerName, address }) => [brokerName, address])));
  }

  private async move(plan: StaticTopicPlan, masters: ReadonlyMap<string, string>): Promise<StaticTopicPlan> {
    let reached = plan;
    try {
      // The new leaders take messages, without a place for them yet; then the old ones take no more.
      await this.write(plan, plan.mapIn, masters);
      await this.write(plan, plan.mapOut, masters);
      reached = await this.place(plan, masters);
      await this.write(reached, reached.mapIn, masters);
      const movers = new Set([...plan.mapIn, ...plan.mapOut]);
      const others = Object.keys(plan.configs).filter((name) => !movers.has(name));
      await this.write(reached, others, masters);
    } catch (error) {
      throw new PartialError(
        `The mapping of static topic ${plan.topic} is changed in part: ${(error as Error).message}. When all brokers answer, finish it with topics.applyStatic(error.context.plan).`,
        {
          done: [],
          failures: error instanceof PartialError ? error.failures : [],
          cause: error,
          context: { plan: reached },
        },
      );
    }
    await this.untilVisible(reached);
    return reached;
  }

  /** Gives the new parts their place: behind all that the old leaders took. */
  private async place(plan: StaticTopicPlan, masters: ReadonlyMap<string, string>): Promise<StaticTopicPlan> {
    const configs = structuredClone(plan.configs) as Record<string, MappedConfig>;
    for (const broker of plan.mapOut) {
      const { body } = await this.brokers.instance.api.call(masters.get(broker)!, Requests.getTopicStatsInfo, {
        topic: plan.topic,
      });
      const { offsetTable } = parseTopicStatsTable(body);
      for (const [id, items] of Object.entries(configs[broker]!.mappingDetail.hostedQueues)) {
        const [old, leader] = items.slice(-2);
        if (old === undefined || leader === undefined || leader.logicOffset >= 0 || old.bname !== broker) continue;
        const end = offsetTable.find(({ queue }) => queue.queueId === old.queueId)?.maxOffset;
        if (end === undefined || end < old.startOffset) {
          throw new ConfigurationError(
            `Broker ${broker} does not tell the end of its queue ${old.queueId} of static topic ${plan.topic}, so the new leader ${leader.bname} got no place. Remap again.`,
            { context: { topic: plan.topic, broker, queueId: old.queueId } },
          );
        }
        const logicOffset = nextBlock(old.logicOffset + end - old.startOffset, BLOCK_SIZE);
        const parts = [...items.slice(0, -1), { ...leader, logicOffset }];
        for (const name of [broker, leader.bname]) configs[name]!.mappingDetail.hostedQueues[Number(id)] = parts;
      }
    }
    return { ...plan, configs };
  }

  /** Addresses of the masters, the brokers meant, and what all know of the topic now. */
  private async look(input: StaticTopicInput): Promise<{
    masters: Map<string, string>;
    targets: string[];
    now: MappedConfigs;
  }> {
    const { topic, brokers } = input;
    const members = await this.brokers.masters(input.cluster === undefined ? {} : { cluster: input.cluster });
    const masters = new Map(members.map(({ brokerName, address }) => [brokerName, address]));
    const targets = brokers ?? (input.broker === undefined ? [...masters.keys()] : [input.broker]);
    const absent = targets.filter((name) => !masters.has(name));
    if (absent.length > 0 || targets.length === 0) {
      throw new ConfigurationError(
        `Static topic ${topic} cannot be led by ${absent.join(', ') || 'no broker'}: brokers with a live master are ${[...masters.keys()].join(', ')}.`,
        { context: { topic, absent } },
      );
    }
    const now: Record<string, MappedConfig> = {};
    for (const [brokerName, address] of masters) {
      const { code, body } = await this.brokers.instance.api.call(
        address,
        Requests.getTopicConfig,
        { topic, lo: true },
        { accept: [ResponseCode.SUCCESS, ResponseCode.TOPIC_NOT_EXIST] },
      );
      if (code !== ResponseCode.SUCCESS) continue;
      const { mappingDetail, ...config } = parseTopicConfigAndQueueMapping(body);
      if (mappingDetail === undefined) {
        throw new ConfigurationError(
          `Topic ${topic} exists on broker ${brokerName} as an ordinary topic; it cannot become static. Choose another name.`,
          { context: { topic, broker: brokerName } },
        );
      }
      now[brokerName] = { ...config, mappingDetail };
    }
    return { masters, targets: [...targets], now };
  }

  private complete(plan: StaticTopicPlan, masters: ReadonlyMap<string, string>): StaticTopicPlan {
    return withBystanders(plan, [...masters.keys()]);
  }

  private async write(
    plan: StaticTopicPlan,
    brokerNames: readonly string[],
    masters: ReadonlyMap<string, string>,
  ): Promise<void> {
    const targets = brokerNames.map((brokerName) => ({ brokerName, address: masters.get(brokerName)! }));
    await changeAll(targets, `The mapping of static topic ${plan.topic} is written`, ({ brokerName, address }) => {
      const { mappingDetail, ...config } = plan.configs[brokerName]!;
      return this.brokers.instance.api.call(
        address,
        Requests.updateAndCreateStaticTopic,
        {
          topic: plan.topic,
          defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
          readQueueNums: config.readQueueNums,
          writeQueueNums: config.writeQueueNums,
          perm: config.perm,
          topicFilterType: config.topicFilterType,
          topicSysFlag: config.topicSysFlag,
          order: config.order,
          force: false,
        },
        { body: encodeTopicQueueMapping(mappingDetail) },
      );
    });
  }

  /** Until the name server names the planned leader of every queue. */
  private async untilVisible({ topic, configs }: StaticTopicPlan): Promise<void> {
    const planned = logicQueues(Object.values(configs).map(({ mappingDetail }) => mappingDetail));
    const deadline = performance.now() + VISIBLE_WITHIN_MS;
    for (;;) {
      const route = await this.brokers.instance.api.topicRoute(topic);
      const leaders = route === null ? undefined : logicQueuesOf(topic, route)?.leaders;
      if ([...planned].every(([id, { leader }]) => leaders?.get(id) === leader)) return;
      if (performance.now() > deadline) {
        throw new TimeoutError(
          `Static topic ${topic} is mapped, but its brokers did not tell the name server within ${VISIBLE_WITHIN_MS} ms. Check that they are registered there.`,
          { context: { topic } },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
