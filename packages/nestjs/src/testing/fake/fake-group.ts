import type { ConsumeOutcome, MessageExt, MessageHandler, MessageOutcome, PushConsumer } from '@rocketnest/client';
import { retryTopic } from '@rocketnest/client';
import type { VirtualTime } from './virtual-time.js';

/** What became of one delivery of a message to a group. */
export interface FakeDelivery {
  readonly group: string;
  readonly message: MessageExt;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** `lost`: BROADCASTING does not deliver again. `suspend`: ORDERLY, the queue waits. */
  readonly outcome: 'consumed' | 'retry' | 'suspend' | 'dead-letter' | 'lost';
  /** Of a dead letter, where it is known. */
  readonly reason?: string;
}

/** What a group needs of the broker. */
export interface FakeGroupHome {
  readonly time: VirtualTime;
  /** Delay of a level from 1 on, in ms. */
  delayOfLevel(level: number): number;
  settled(delivery: FakeDelivery): void;
}

/** Which messages of a topic a group takes. */
export interface FakeFilter {
  /** Put behind the topic's name. */
  readonly description: string;
  accepts(properties: Readonly<Record<string, string>>): boolean;
}

/** The consumer of a group, as long as it is started. */
export interface FakeMember {
  readonly options: PushConsumer['options'];
  /** By topic. */
  readonly subscriptions: ReadonlyMap<string, FakeFilter>;
  readonly handler: MessageHandler;
  isPaused: boolean;
}

/** Java: the retry delay of a message is that of level 3 + how often it failed before. */
const FIRST_RETRY_LEVEL = 3;
const DEFAULT_MAX_RECONSUME_TIMES = 16;

/** A consumer group: what it has to consume, and how its handler's outcomes are carried out. */
export class FakeGroup {
  member: FakeMember | undefined;
  /** Those of the last member, which hold while the group is stopped. */
  #subscriptions: ReadonlyMap<string, FakeFilter> = new Map();
  #pending: MessageExt[] = [];
  /** ORDERLY: queues with a running handler, or suspended. */
  readonly #held = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #isScheduled = false;

  constructor(
    readonly name: string,
    private readonly home: FakeGroupHome,
  ) {}

  join(member: FakeMember): void {
    this.member = member;
    this.#subscriptions = member.subscriptions;
    this.wake();
  }

  /** Messages that came meanwhile stay for the next member. Resolves when the running handlers have finished. */
  async leave(): Promise<void> {
    this.member = undefined;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** `topic:tags` or `topic[sql]` of each subscription. */
  describe(): string {
    return [...this.#subscriptions].map(([topic, { description }]) => `${topic}${description}`).join(', ');
  }

  accepts({ topic, properties }: MessageExt): boolean {
    return this.#subscriptions.get(topic)?.accepts(properties) ?? false;
  }

  offer(message: MessageExt): void {
    this.#pending.push(message);
    this.wake();
  }

  /** Nothing runs, and nothing can. */
  get isIdle(): boolean {
    return !this.#isScheduled && this.#running.size === 0;
  }

  /** Resolves when the handlers that run now have finished. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Starts handlers in the next microtask: messages of one batch come together. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#startHandlers();
    });
  }

  #startHandlers(): void {
    const { member } = this;
    if (member === undefined || member.isPaused) return;
    while (this.#running.size < member.options.concurrency) {
      const batch = this.#take(member);
      if (batch.length === 0) return;
      const run = this.#run(member, batch).finally(() => {
        this.#running.delete(run);
        this.wake();
      });
      this.#running.add(run);
    }
  }

  /** The next messages for one call of the handler: of one topic, and of one queue that is free where order counts. */
  #take({ options }: FakeMember): MessageExt[] {
    const first = this.#pending.find((message) => !this.#held.has(queueOf(message)));
    if (first === undefined) return [];
    const isOrderly = options.consumeMode === 'ORDERLY';
    const fits = (message: MessageExt): boolean =>
      isOrderly ? queueOf(message) === queueOf(first) : message.topic === first.topic;
    const batch = this.#pending.filter(fits).slice(0, options.consumeMessageBatchMaxSize);
    this.#pending = this.#pending.filter((message) => !batch.includes(message));
    if (isOrderly) this.#held.add(queueOf(first));
    return batch;
  }

  async #run(member: FakeMember, batch: MessageExt[]): Promise<void> {
    const { topic, queueId, brokerName = '', reconsumeTimes } = batch[0]!;
    const isRetry = reconsumeTimes > 0 && member.options.consumeMode !== 'ORDERLY';
    const queue = { topic: isRetry ? retryTopic(this.name) : topic, brokerName, queueId };
    let outcome: ConsumeOutcome | undefined;
    try {
      outcome = (await member.handler([...batch], { group: this.name, queue })) ?? undefined;
    } catch {
      outcome = { action: 'retry' };
    }
    const outcomes = batch.map((message, index) => outcomeOf(outcome, message, index));
    if (member.options.consumeMode === 'ORDERLY') this.#settleInOrder(member, batch, outcomes);
    else for (const [index, message] of batch.entries()) this.#settle(member, message, outcomes[index]);
  }

  #settle(member: FakeMember, message: MessageExt, outcome: MessageOutcome | undefined): void {
    const end = endOf(member, message, outcome);
    if (end === 'retry') {
      const { home } = this;
      const chosen = outcome?.action === 'retry' ? (outcome.delayLevel ?? 0) : 0;
      const delayMs = home.delayOfLevel(chosen > 0 ? chosen : FIRST_RETRY_LEVEL + message.reconsumeTimes);
      home.time.in(delayMs, () => this.offer(again(message)));
    }
    this.#report(message, end, reasonOf(outcome));
  }

  /** From the first message on that is neither consumed nor dead, everything comes again, and the queue waits. */
  #settleInOrder(
    member: FakeMember,
    batch: readonly MessageExt[],
    outcomes: readonly (MessageOutcome | undefined)[],
  ): void {
    const queue = queueOf(batch[0]!);
    const isDead = (index: number): boolean =>
      outcomes[index]?.action === 'dead-letter' || batch[index]!.reconsumeTimes >= maxReconsumeTimes(member);
    const failed = outcomes.findIndex((outcome, index) => outcome !== undefined && !isDead(index));
    const done = failed < 0 ? batch : batch.slice(0, failed);
    for (const [index, message] of done.entries()) {
      this.#report(message, outcomes[index] === undefined ? 'consumed' : 'dead-letter', reasonOf(outcomes[index]));
    }
    if (failed < 0) {
      this.#held.delete(queue);
      return;
    }
    const outcome = outcomes[failed]!;
    const ms = outcome.action === 'suspend' ? outcome.ms : undefined;
    this.#pending.unshift(again(batch[failed]!), ...batch.slice(failed + 1));
    this.home.time.in(ms ?? member.options.suspendCurrentQueueTimeMs, () => {
      this.#held.delete(queue);
      this.wake();
    });
    for (const message of batch.slice(failed)) this.#report(message, 'suspend');
  }

  #report(message: MessageExt, outcome: FakeDelivery['outcome'], reason?: string): void {
    const attempt = message.reconsumeTimes + 1;
    this.home.settled({ group: this.name, message, attempt, outcome, ...(reason === undefined ? {} : { reason }) });
  }
}

const reasonOf = (outcome: MessageOutcome | undefined): string | undefined =>
  outcome?.action === 'dead-letter' ? outcome.reason : undefined;

/** What becomes of a message whose queue need not wait for it. */
function endOf(
  member: FakeMember,
  message: MessageExt,
  outcome: MessageOutcome | undefined,
): 'consumed' | 'lost' | 'dead-letter' | 'retry' {
  if (outcome === undefined) return 'consumed';
  if (member.options.messageModel === 'BROADCASTING') return 'lost';
  const isOver = outcome.action === 'dead-letter' || message.reconsumeTimes >= maxReconsumeTimes(member);
  return isOver ? 'dead-letter' : 'retry';
}

const queueOf = ({ topic, queueId }: MessageExt): string => `${topic} ${queueId}`;

const again = (message: MessageExt): MessageExt => ({ ...message, reconsumeTimes: message.reconsumeTimes + 1 });

function maxReconsumeTimes({ options: { maxReconsumeTimes: set, consumeMode } }: FakeMember): number {
  if (set >= 0) return set;
  return consumeMode === 'ORDERLY' ? Number.POSITIVE_INFINITY : DEFAULT_MAX_RECONSUME_TIMES;
}

/** What a handler's outcome for a batch means for one of its messages; undefined: it is consumed. */
function outcomeOf(
  outcome: ConsumeOutcome | undefined,
  message: MessageExt,
  index: number,
): MessageOutcome | undefined {
  if (outcome === undefined) return undefined;
  if (outcome.action === 'each') return outcome.outcomes.get(message);
  if (outcome.action !== 'retry') return outcome;
  if (outcome.failed !== undefined && ![...outcome.failed].includes(message)) return undefined;
  if (outcome.consumed !== undefined && index < outcome.consumed) return undefined;
  return outcome;
}
