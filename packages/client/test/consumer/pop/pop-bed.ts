import { dlqTopic, type MessageExt } from '@rocketnest/protocol';
import { Admin } from '../../../src/admin/index.js';
import type {
  MessageHandler,
  PushConsumer,
  PushConsumerOptions,
  SubscriptionFilter,
} from '../../../src/consumer/index.js';
import { Testbed, unique, until } from '../testbed.js';

type MemberOptions = Partial<PushConsumerOptions> & {
  readonly topic: string;
  readonly group: string;
  readonly expression?: SubscriptionFilter;
};

/** A {@link Testbed} whose groups pop. */
export class PopBed {
  private constructor(
    private readonly bed: Testbed,
    readonly admin: Admin,
  ) {}

  static async start(): Promise<PopBed> {
    const bed = await Testbed.start();
    const admin = new Admin({ namesrvAddr: bed.namesrvAddr });
    await admin.start();
    return new PopBed(bed, admin);
  }

  /** A topic, and a group that is to pop it. */
  async popGroup(queues = 4, namespace?: string): Promise<{ topic: string; group: string }> {
    const names = { topic: unique('topic'), group: unique('group') };
    const [topic, group] = [names.topic, names.group].map((name) => (namespace ? `${namespace}%${name}` : name)) as [
      string,
      string,
    ];
    await this.admin.topics.create({ topic, queues });
    await until(async () => (await this.bed.instance.routes.refresh(topic)) !== null, 'the topic to be known');
    await this.admin.groups.create({ groupName: group });
    await this.setMode(topic, group, 'POP');
    return names;
  }

  async setMode(topic: string, group: string, mode: 'PULL' | 'POP', popShareQueueNum = 0): Promise<void> {
    await this.admin.groups.setRequestMode({ topic, group, mode, popShareQueueNum });
  }

  member(options: MemberOptions, handler: MessageHandler): PushConsumer {
    return this.bed.consumer({ clientRebalance: false, rebalanceIntervalMs: 500, ...options }, handler);
  }

  send: Testbed['send'] = (...message) => this.bed.send(...message);

  get namesrvAddr(): string {
    return this.bed.namesrvAddr;
  }

  /** Messages the group has not acknowledged, as its committed offsets say. */
  async waiting(group: string, topic: string): Promise<number> {
    const { instance } = this.bed;
    const queues = (await instance.routes.find(topic)).subscribeQueues;
    let waiting = 0;
    for (const queue of queues) {
      const { address } = instance.findBrokerAddress(queue.brokerName)!;
      const committed = await this.bed.committedOffset(group, topic, queue.queueId);
      waiting += (await instance.api.maxOffset(address, queue)) - (committed ?? 0);
    }
    return waiting;
  }

  committed(group: string, topic: string, queueId: number): Promise<number | null> {
    return this.bed.committedOffset(group, topic, queueId);
  }

  deadLetters(group: string): Promise<MessageExt[]> {
    return this.stored(dlqTopic(group));
  }

  /** All messages of a topic; none while there is no such topic. */
  async stored(topic: string): Promise<MessageExt[]> {
    const route = await this.bed.instance.routes.refresh(topic);
    return route === null ? [] : this.bed.messages(topic);
  }

  async close(): Promise<void> {
    await this.admin.close();
    await this.bed.close();
  }
}
