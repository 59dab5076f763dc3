import { isSystemTopic, SystemTopic } from '@rocketnest/protocol';
import { type PutResult, PutStatus } from '@rocketnest/store';
import type { Clock } from './clock.js';
import { getOrCreate } from './collections.js';
import type { BrokerOptions } from './options.js';
import { javaDouble } from './stats/java-double.js';
import { PutLatency } from './stats/put-latency.js';
import { type StatsItem, type StatsSnapshot, type StatsSpan, statsSpans } from './stats/stats-item.js';
import { StatsTable } from './stats/stats-table.js';

/** Java samples every second and answers averages over the last 10, 60 and 600 seconds (`StoreStatsService`). */
const SAMPLE_MS = 1_000;
const WINDOWS_S = [10, 60, 600] as const;
const KEPT_SAMPLES = WINDOWS_S[2] + 1;
const MINUTE_MS = 60_000;
/** Idle items are looked for this often (`BrokerStatsManager.init`). */
const EXPIRY_MS = 10 * MINUTE_MS;
/** `maxStatsIdleTimeInMinutes` from 0 to 10 counts as this many. */
const LEAST_IDLE_MINUTES = 30;

interface Totals {
  putMessages: number;
  putBytes: number;
  putFailures: number;
  gotMessages: number;
  getsFound: number;
  getsMissed: number;
}

const noTotals = (): Totals => ({
  putMessages: 0,
  putBytes: 0,
  putFailures: 0,
  gotMessages: 0,
  getsFound: 0,
  getsMissed: 0,
});

/** Items of one topic, or of one group reading a topic; kept together so that counting a message builds no key. */
interface CountedItems {
  readonly isSystem: boolean;
  readonly nums: StatsItem;
  readonly size: StatsItem;
  /** By queue. */
  readonly latency: Map<number, StatsItem>;
}

/**
 * What this broker has done (`BrokerStatsManager`, `StoreStatsService`, `BrokerStats`): totals and rates of the whole broker, and
 * series of the last minute, hour and day by topic and group. Counting is cheap: a map lookup and some additions.
 */
export class BrokerStats {
  /** Since the start: all messages stored and read, those of the broker's own topics included. */
  readonly totals = noTotals();
  readonly startedAt: number;
  readonly putLatency = new PutLatency();
  /** Messages on their way into the store. */
  putsUnderWay = 0;
  /** Longest read of the store, ms. */
  getMaxMs = 0;

  private readonly table = new StatsTable();
  private readonly topics = new Map<string, CountedItems>();
  private readonly groups = new Map<string, Map<string, CountedItems>>();
  private readonly broker: Record<'put' | 'userPut' | 'get' | 'userGet' | 'ack' | 'checkpoint', StatsItem>;

  private readonly samples: (Totals & { at: number })[] = [];
  private readonly due = { minute: 0, hour: 0, day: 0, turn: 0, expiry: 0 };
  private day: string;
  private todayMorning = { put: 0, got: 0 };
  private yesterdayMorning = { put: 0, got: 0 };

  constructor(
    private readonly clock: Clock,
    private readonly options: Pick<
      BrokerOptions,
      'brokerClusterName' | 'enableDetailStat' | 'maxStatsIdleTimeInMinutes'
    >,
  ) {
    const now = clock.now();
    this.startedAt = now;
    this.day = localDay(now);
    this.due.turn = now + MINUTE_MS;
    this.due.expiry = now + EXPIRY_MS;
    const whole = (name: Parameters<StatsTable['getOrCreate']>[0]) =>
      this.table.getOrCreate(name, options.brokerClusterName, now);
    this.broker = {
      put: whole('BROKER_PUT_NUMS'),
      userPut: whole('BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC'),
      get: whole('BROKER_GET_NUMS'),
      userGet: whole('BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC'),
      ack: whole('BROKER_ACK_NUMS'),
      checkpoint: whole('BROKER_CK_NUMS'),
    };
    this.sample();
  }

  static readonly sampleIntervalMs = SAMPLE_MS;

  /** A message goes to the store, whoever writes it; {@link stored} follows. */
  storing(): void {
    this.putsUnderWay += 1;
  }

  /** The store finished a put. */
  stored(result: PutResult, elapsedMs: number): void {
    this.putsUnderWay -= 1;
    this.putLatency.add(elapsedMs);
    if (result.status === PutStatus.PUT_OK || result.commitLogOffset >= 0) {
      this.totals.putMessages += result.messageCount;
      this.totals.putBytes += result.bytes;
    } else this.totals.putFailures += 1;
  }

  /** The store finished a get: `messages` is 0 when it found nothing. */
  looked(messages: number, elapsedMs: number): void {
    if (messages > 0) {
      this.totals.getsFound += 1;
      this.totals.gotMessages += messages;
    } else this.totals.getsMissed += 1;
    if (elapsedMs > this.getMaxMs) this.getMaxMs = elapsedMs;
  }

  /** A client sent messages, or a service delivered some, to a topic. @param latencyMs of a client's send */
  put(topic: string, queueId: number, messages: number, bytes: number, latencyMs?: number): void {
    const items = this.topicItems(topic);
    items.nums.add(messages);
    items.size.add(bytes);
    this.broker.put.add(messages, 0);
    if (!items.isSystem) this.broker.userPut.add(messages, 0);
    if (latencyMs !== undefined) (items.latency.get(queueId) ?? this.putLatencyOf(topic, queueId)).add(latencyMs);
    if (topic === SystemTopic.SCHEDULE && this.options.enableDetailStat) {
      this.item('QUEUE_PUT_NUMS', `${topic}@${queueId}`).add(messages);
      this.item('QUEUE_PUT_SIZE', `${topic}@${queueId}`).add(bytes);
    }
  }

  /** A group read messages of a topic. */
  got(group: string, topic: string, messages: number, bytes: number): void {
    const items = this.groupItems(group, topic);
    items.nums.add(messages);
    items.size.add(bytes);
    this.broker.get.add(messages, 0);
    if (!items.isSystem) this.broker.userGet.add(messages, 0);
  }

  /** The same by queue; Apache's broker counts only what its delay levels read. */
  queueGot(group: string, topic: string, queueId: number, messages: number, bytes: number): void {
    if (!this.options.enableDetailStat) return;
    this.item('QUEUE_GET_NUMS', `${topic}@${queueId}@${group}`).add(messages);
    this.item('QUEUE_GET_SIZE', `${topic}@${queueId}@${group}`).add(bytes);
  }

  /** A heartbeat was taken in. @param elapsedMs time that took */
  registered(consumerGroups: number, producerGroups: number, elapsedMs: number): void {
    const cluster = this.options.brokerClusterName;
    if (consumerGroups > 0) this.item('CONSUMER_REGISTER_TIME', cluster).add(elapsedMs, consumerGroups);
    if (producerGroups > 0) this.item('PRODUCER_REGISTER_TIME', cluster).add(elapsedMs, producerGroups);
  }

  /** A connection came or went. */
  channel(what: 'CONNECT' | 'CLOSE'): void {
    this.item('CHANNEL_ACTIVITY', what).add(1);
  }

  /** How long a read that found messages took, from request to answer. */
  getTook(group: string, topic: string, queueId: number, latencyMs: number): void {
    const queue = this.options.enableDetailStat ? queueId : -1;
    const item = this.groupItems(group, topic).latency.get(queue) ?? this.getLatencyOf(group, topic, queue);
    item.add(latencyMs);
  }

  /** A consumer gave a message back. */
  sentBack(group: string, topic: string): void {
    this.item('SNDBCK_PUT_NUMS', `${topic}@${group}`).add(1);
  }

  /** A message given back went to the dead letters. @param owner the `Owner` field of the request, as Java has it */
  deadLettered(group: string, topic: string | undefined, owner: string | undefined): void {
    this.item('SNDBCK2DLQ_TIMES', `${owner ?? null}@${topic ?? null}@${group}@SEND_BACK_TO_DLQ`).add(1);
  }

  /** A pop consumer acknowledged messages. */
  acked(group: string, topic: string, messages: number): void {
    this.item('GROUP_ACK_NUMS', `${topic}@${group}`).add(messages);
    this.broker.ack.add(messages, 0);
  }

  /** A pop wrote checkpoints. */
  checkpointed(group: string, topic: string, checkpoints: number): void {
    this.item('GROUP_CK_NUMS', `${topic}@${group}`).add(checkpoints);
    this.broker.checkpoint.add(checkpoints, 0);
  }

  topicDeleted(topic: string): void {
    this.table.deleteTopic(topic);
    this.forgetItems();
  }

  groupDeleted(group: string): void {
    this.table.deleteGroup(group);
    this.forgetItems();
  }

  /** An item by Apache's name and key; undefined when nothing was counted under it. */
  find(name: string, key: string): StatsItem | undefined {
    return this.table.find(name, key);
  }

  /** What an item says about a span; zeros when there is no such item. */
  snapshot(name: string, key: string, span: StatsSpan = 'minute'): StatsSnapshot {
    return this.find(name, key)?.snapshot(span) ?? { sum: 0, tps: 0, avgpt: 0 };
  }

  /** Called every {@link BrokerStats.sampleIntervalMs}. */
  sample(): void {
    const now = this.clock.now();
    this.samples.push({ at: now, ...this.totals });
    if (this.samples.length > KEPT_SAMPLES) this.samples.shift();
    for (const span of Object.keys(statsSpans) as StatsSpan[]) {
      if (this.isDue(span, now, statsSpans[span].everyMs)) this.table.sample(span, now);
    }
    if (this.isDue('turn', now, MINUTE_MS)) this.putLatency.turn();
    if (this.isDue('expiry', now, EXPIRY_MS)) this.expire(now);
    const day = localDay(now);
    if (day !== this.day) {
      this.day = day;
      this.yesterdayMorning = this.todayMorning;
      this.todayMorning = this.userTotals;
    }
  }

  /** Averages per second over the last 10, 60 and 600 seconds, as Java prints them: `"12.5 10.0 9.75"`. */
  rate(...counters: (keyof Totals)[]): string {
    const sum = (totals: Totals): number => counters.reduce((all, counter) => all + totals[counter], 0);
    const last = this.samples.at(-1)!;
    return WINDOWS_S.map((seconds) => {
      const first = this.samples[Math.max(0, this.samples.length - 1 - seconds)]!;
      const elapsed = (last.at - first.at) / 1_000;
      return javaDouble(elapsed <= 0 ? 0 : (sum(last) - sum(first)) / elapsed);
    }).join(' ');
  }

  /** Messages that clients put and got until yesterday's and today's midnight and now, since the start (`BrokerStats`). */
  get days(): Record<'yesterdayMorning' | 'todayMorning' | 'now', { put: number; got: number }> {
    return { yesterdayMorning: this.yesterdayMorning, todayMorning: this.todayMorning, now: this.userTotals };
  }

  private get userTotals(): { put: number; got: number } {
    return { put: this.broker.userPut.value, got: this.broker.userGet.value };
  }

  private expire(now: number): void {
    const minutes = this.options.maxStatsIdleTimeInMinutes;
    if (minutes < 0) return;
    this.table.expire(now - (minutes <= 10 ? LEAST_IDLE_MINUTES : minutes) * MINUTE_MS);
    this.forgetItems();
  }

  private isDue(what: keyof typeof this.due, now: number, everyMs: number): boolean {
    if (now < this.due[what]) return false;
    // In step with the interval, unless the clock jumped over some.
    const next = this.due[what] + everyMs;
    this.due[what] = next > now ? next : now + everyMs;
    return true;
  }

  /** Without `getOrCreate` in the usual case: its closure would be made for every message. */
  private topicItems(topic: string): CountedItems {
    return this.topics.get(topic) ?? this.newTopicItems(topic);
  }

  private newTopicItems(topic: string): CountedItems {
    const items: CountedItems = {
      isSystem: isSystemTopic(topic),
      nums: this.item('TOPIC_PUT_NUMS', topic),
      size: this.item('TOPIC_PUT_SIZE', topic),
      latency: new Map(),
    };
    this.topics.set(topic, items);
    return items;
  }

  private putLatencyOf(topic: string, queueId: number): StatsItem {
    const item = this.item('TOPIC_PUT_LATENCY', `${queueId}@${topic}`);
    this.topicItems(topic).latency.set(queueId, item);
    return item;
  }

  private groupItems(group: string, topic: string): CountedItems {
    return this.groups.get(topic)?.get(group) ?? this.newGroupItems(group, topic);
  }

  private newGroupItems(group: string, topic: string): CountedItems {
    const items: CountedItems = {
      isSystem: isSystemTopic(topic),
      nums: this.item('GROUP_GET_NUMS', `${topic}@${group}`),
      size: this.item('GROUP_GET_SIZE', `${topic}@${group}`),
      latency: new Map(),
    };
    getOrCreate(this.groups, topic, () => new Map<string, CountedItems>()).set(group, items);
    return items;
  }

  /** @param queue -1: of all queues */
  private getLatencyOf(group: string, topic: string, queue: number): StatsItem {
    const key = queue < 0 ? `${topic}@${group}` : `${queue}@${topic}@${group}`;
    const item = this.item('GROUP_GET_LATENCY', key);
    this.groupItems(group, topic).latency.set(queue, item);
    return item;
  }

  private item(name: Parameters<StatsTable['getOrCreate']>[0], key: string): StatsItem {
    return this.table.getOrCreate(name, key, this.clock.now());
  }

  /** Items were dropped: what is counted from here on must not go to those. */
  private forgetItems(): void {
    this.topics.clear();
    this.groups.clear();
  }
}

function localDay(at: number): string {
  return new Date(at).toDateString();
}
