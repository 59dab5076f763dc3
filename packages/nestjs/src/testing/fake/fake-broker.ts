import type { MessageExt, TransactionState } from '@rocketnest/client';
import { DEAD_LETTER_REASON, dlqTopic, PropertyName } from '@rocketnest/client';
import type { FakeDelivery } from './fake-group.js';
import { FakeGroup } from './fake-group.js';
import { VirtualTime } from './virtual-time.js';

/** Apache's delay levels, from 1 on, in seconds (messageDelayLevel). */
const LEVEL_SECONDS = [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];
/** Apache's check-back: age of the first check, interval, and how often (transactionTimeOut, …CheckInterval, …CheckMax). */
const CHECK = { firstMs: 6_000, intervalMs: 30_000, max: 15 } as const;

export const FAKE_BROKER = 'fake';
const QUEUES = 4;
const HOST = { address: '127.0.0.1', port: 10911 };

/** A checked message, as the client's producer makes it. */
export interface PreparedMessage {
  readonly topic: string;
  readonly body: Buffer;
  readonly flag: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly sysFlag: number;
  readonly msgId: string;
}

/** RocketMQ in memory, for one application: topics, groups, delays, retries, dead letters, transactions. Time stands still. */
export class FakeBroker {
  readonly time = new VirtualTime();
  readonly #groups = new Map<string, FakeGroup>();
  readonly #deadLetters = new Map<string, MessageExt[]>();
  readonly #watchers = new Map<string, (delivery: FakeDelivery) => void>();
  /** Checks of transactions that are being answered. */
  readonly #checks = new Set<Promise<void>>();
  #stored = 0;

  group(name: string): FakeGroup {
    let group = this.#groups.get(name);
    if (group === undefined) {
      const { time } = this;
      group = new FakeGroup(name, { time, delayOfLevel, settled: (delivery) => this.#settled(delivery) });
      this.#groups.set(name, group);
    }
    return group;
  }

  /** The message as consumers will see it. Nobody gets it yet. */
  store(prepared: PreparedMessage, queueId: number | undefined): MessageExt {
    const { topic, body, flag, properties, sysFlag, msgId } = prepared;
    const offset = this.#stored++;
    return {
      ...{ topic, body, flag, sysFlag, msgId, properties: { ...properties } },
      queueId: queueId ?? queueFor(properties[PropertyName.SHARDING_KEY], offset),
      ...{ queueOffset: offset, commitLogOffset: offset, storeSize: body.length, bodyCrc: 0 },
      ...{ bornTimestamp: this.time.now, storeTimestamp: this.time.now, bornHost: HOST, storeHost: HOST },
      ...{ reconsumeTimes: 0, preparedTransactionOffset: 0, offsetMsgId: `${FAKE_BROKER}-${offset}` },
      brokerName: FAKE_BROKER,
    };
  }

  /** Gives a message to the groups that subscribe to it: now, or when its delay is over. @returns a function that takes it back while it waits */
  publish(message: MessageExt): () => boolean {
    const delayMs = delayOf(message, this.time.now);
    if (delayMs <= 0) {
      this.#deliver(message);
      return () => false;
    }
    let isWaiting = true;
    this.time.in(delayMs, () => {
      if (isWaiting) this.#deliver({ ...message, storeTimestamp: this.time.now });
      isWaiting = false;
    });
    return () => {
      const was = isWaiting;
      isWaiting = false;
      return was;
    };
  }

  /** Has a message consumed by all groups that subscribe to it. @returns the outcome of the first delivery to each; none when nobody does */
  deliver(message: MessageExt): Promise<FakeDelivery[]> {
    const groups = this.#subscribers(message);
    const deliveries = groups.map(
      (group) => new Promise<FakeDelivery>((resolve) => this.#watchers.set(watchKey(group.name, message), resolve)),
    );
    this.#deliver(message);
    return Promise.all(deliveries);
  }

  /** Asks about an undecided transaction as Apache's broker does, until there is an answer. */
  checkLater(check: () => Promise<TransactionState>, decided: (state: TransactionState) => void, asked = 0): void {
    this.time.in(asked === 0 ? CHECK.firstMs : CHECK.intervalMs, () => {
      const answering = check()
        .then((state) => {
          if (state !== 'UNKNOWN') decided(state);
          else if (asked + 1 < CHECK.max) this.checkLater(check, decided, asked + 1);
        })
        .finally(() => this.#checks.delete(answering));
      this.#checks.add(answering);
    });
  }

  /** Resolves when no handler runs and nothing that could run one is left, but for what waits for its time or a paused consumer. */
  async idle(): Promise<void> {
    const isBusy = (): boolean => this.#checks.size > 0 || [...this.#groups.values()].some(({ isIdle }) => !isIdle);
    do {
      await Promise.all([...this.#checks, ...[...this.#groups.values()].map((group) => group.settle())]);
      // Sends that handlers did not wait for get their turn.
      await new Promise((resolve) => setImmediate(resolve));
    } while (isBusy());
  }

  deadLetters(group: string): readonly MessageExt[] {
    return [...(this.#deadLetters.get(group) ?? [])];
  }

  /** Groups and what they subscribe to, for error messages. */
  describe(): string {
    return [...this.#groups.values()].map((group) => `${group.name} (${group.describe()})`).join(', ') || 'none';
  }

  #subscribers(message: MessageExt): FakeGroup[] {
    return [...this.#groups.values()].filter((group) => group.accepts(message));
  }

  #deliver(message: MessageExt): void {
    for (const group of this.#subscribers(message)) group.offer({ ...message, properties: { ...message.properties } });
  }

  #settled(delivery: FakeDelivery): void {
    const { group, message } = delivery;
    if (delivery.outcome === 'dead-letter') this.#bury(delivery);
    const key = watchKey(group, message);
    this.#watchers.get(key)?.(delivery);
    this.#watchers.delete(key);
  }

  #bury({ group, message, reason }: FakeDelivery): void {
    const properties = {
      ...message.properties,
      [PropertyName.DLQ_ORIGIN_TOPIC]: message.topic,
      [PropertyName.DLQ_ORIGIN_MESSAGE_ID]: message.msgId,
      ...(reason === undefined ? {} : { [DEAD_LETTER_REASON]: reason }),
    };
    const letter = { ...this.store({ ...message, topic: dlqTopic(group), properties }, 0), reconsumeTimes: 0 };
    this.#deadLetters.set(group, [...(this.#deadLetters.get(group) ?? []), letter]);
    this.#deliver(letter);
  }
}

const watchKey = (group: string, { offsetMsgId }: MessageExt): string => `${group} ${offsetMsgId}`;

/** Levels above the last are the last, as on the broker. */
const delayOfLevel = (level: number): number => LEVEL_SECONDS[Math.min(level, LEVEL_SECONDS.length) - 1]! * 1_000;

function delayOf({ properties }: MessageExt, now: number): number {
  const level = Number(properties[PropertyName.DELAY] ?? 0);
  if (level > 0) return delayOfLevel(level);
  const { [PropertyName.TIMER_DELAY_MS]: ms, [PropertyName.TIMER_DELIVER_MS]: at } = properties;
  if (at !== undefined) return Number(at) - now;
  return Number(ms ?? 0);
}

/** Messages with one sharding key go to one queue; the others take turns. */
function queueFor(shardingKey: string | undefined, turn: number): number {
  if (shardingKey === undefined) return turn % QUEUES;
  let hash = 0;
  for (const char of shardingKey) hash = (hash * 31 + char.codePointAt(0)!) % 1_000_003;
  return hash % QUEUES;
}
