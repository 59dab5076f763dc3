import { isRetryTopic, PropertyName, RETRY_GROUP_PREFIX } from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import type { MessageFilter } from '@rocketnest/store';
import { getOrCreate } from '../collections.js';
import type { BrokerContext } from '../context.js';

/** Held requests are answered a little before their time is over. Java: `PopRequest.isTimeout`. */
const EARLY_MS = 50;
/** Filters are asked about an arriving message by its properties alone. */
const NO_BYTES = Buffer.alloc(0);
/** The queue id of requests for all queues. */
const ALL_QUEUES = -1;

/** A request that found nothing and waits for messages. */
export interface HeldRequest {
  readonly topic: string;
  readonly group: string;
  /** -1: all queues of the topic. */
  readonly queueId: number;
  /** When its time is over, ms since 1970. */
  readonly expiresAt: number;
  readonly connection: Connection;
  readonly filter: MessageFilter | undefined;
  /** Runs the request once more. */
  readonly retry: () => void;
  /** Answers that nothing came. */
  readonly giveUp: () => void;
}

/** Java: `PollingResult`. */
export type HoldResult = 'HELD' | 'FULL' | 'TIMEOUT';

/** A message that arrived; absent when requests are woken for another reason. */
export interface Arrival {
  readonly tagsCode: number;
  readonly properties: () => Record<string, string>;
}

interface Parts extends Pick<BrokerContext, 'options' | 'clock'> {
  /** True: the request with the most time left is woken first. */
  readonly lastFirst: boolean;
}

/**
 * Long polling of pops and notifications (`PopLongPollingService`): requests wait by topic, group and queue. A message wakes one
 * request for its queue and one for all queues, of every group.
 */
export class HeldRequests {
  private readonly topics = new Map<string, Map<string, Map<number, HeldRequest[]>>>();
  private total = 0;
  private closed = false;

  constructor(private readonly parts: Parts) {}

  /** Requests waiting for one queue; -1 for those that wait for any. */
  count(topic: string, group: string, queueId: number): number {
    return this.topics.get(topic)?.get(group)?.get(queueId)?.length ?? 0;
  }

  hold(request: HeldRequest): HoldResult {
    const { options, clock } = this.parts;
    if (this.closed) return 'TIMEOUT';
    if (this.total >= options.maxPopPollingSize) return 'FULL';
    if (clock.now() > request.expiresAt - EARLY_MS) return 'TIMEOUT';
    const groups = getOrCreate(this.topics, request.topic, () => new Map<string, Map<number, HeldRequest[]>>());
    const queues = getOrCreate(groups, request.group, () => new Map<number, HeldRequest[]>());
    const waiting = getOrCreate(queues, request.queueId, () => []);
    if (waiting.length > options.popPollingSize) return 'FULL';
    // Ordered by the end of their time; clients ask for the same time, so new ones belong at the end.
    let at = waiting.length;
    while (at > 0 && waiting[at - 1]!.expiresAt > request.expiresAt) at -= 1;
    waiting.splice(at, 0, request);
    this.total += 1;
    return 'HELD';
  }

  /** A message was stored at `offset` of a queue. Messages in a pop retry topic wake who waits for the topic itself. */
  arrived(topic: string, queueId: number, offset: number, arrival: Arrival): void {
    if (this.total === 0) return;
    if (isRetryTopic(topic)) {
      this.arrivedForRetry(topic, queueId, arrival);
      return;
    }
    const groups = this.topics.get(topic);
    if (groups === undefined) return;
    const interval = this.parts.options.popLongPollingForceNotifyInterval;
    const wanted = interval > 0 && offset % interval === 0 ? undefined : arrival;
    for (const group of groups.keys()) {
      this.wake(topic, group, ALL_QUEUES, wanted);
      this.wake(topic, group, queueId, wanted);
    }
  }

  /** Wakes one request. @returns false when none waits, or none that wants the message */
  wake(topic: string, group: string, queueId: number, arrival?: Arrival): boolean {
    const waiting = this.topics.get(topic)?.get(group)?.get(queueId);
    if (waiting === undefined) return false;
    for (let count = waiting.length, step = 0; step < count; step++) {
      const at = this.parts.lastFirst ? count - 1 - step : step;
      const request = waiting[at]!;
      if (request.connection.closed || !wants(request, arrival)) continue;
      waiting.splice(at, 1);
      this.total -= 1;
      // Messages arrive in bursts: a request that runs after the burst takes all of it.
      process.nextTick(request.retry);
      return true;
    }
    return false;
  }

  /** Wakes requests whose time is over and forgets those of closed connections. */
  sweep(): void {
    const late = this.parts.clock.now() + EARLY_MS;
    for (const [topic, groups] of this.topics) {
      for (const [group, queues] of groups) {
        for (const [queueId, waiting] of queues) {
          const left = waiting.filter(({ connection, expiresAt }) => !connection.closed && expiresAt >= late);
          for (const request of waiting) {
            if (!request.connection.closed && request.expiresAt < late) process.nextTick(request.retry);
          }
          this.total -= waiting.length - left.length;
          if (left.length === 0) queues.delete(queueId);
          else queues.set(queueId, left);
        }
        if (queues.size === 0) groups.delete(group);
      }
      if (groups.size === 0) this.topics.delete(topic);
    }
  }

  /** The client leaves the group: what it waits for must not go to it any more. */
  left(group: string, connection: Connection): void {
    for (const queues of this.requestsOf(group)) {
      for (const [queueId, waiting] of queues) {
        const given = waiting.filter((request) => request.connection === connection);
        if (given.length === 0) continue;
        queues.set(
          queueId,
          waiting.filter((request) => request.connection !== connection),
        );
        this.total -= given.length;
        for (const request of given) request.giveUp();
      }
    }
  }

  /** Answers everything that waits; nothing is held from here on. */
  close(): void {
    this.closed = true;
    const waiting = [...this.topics.values()].flatMap((groups) =>
      [...groups.values()].flatMap((queues) => [...queues.values()].flat()),
    );
    this.topics.clear();
    this.total = 0;
    for (const request of waiting) request.retry();
  }

  /** By queue, of all topics. */
  private requestsOf(group: string): Map<number, HeldRequest[]>[] {
    return [...this.topics.values()].flatMap((groups) => groups.get(group) ?? []);
  }

  private arrivedForRetry(topic: string, queueId: number, arrival: Arrival): void {
    const group = arrival.properties()[PropertyName.ORIGIN_GROUP];
    // Messages that consumers sent back go to %RETRY%group, which nobody pops.
    if (group === undefined || topic.length <= RETRY_GROUP_PREFIX.length + group.length + 1) return;
    const normal = topic.slice(RETRY_GROUP_PREFIX.length + group.length + 1);
    this.wake(normal, group, ALL_QUEUES);
    this.wake(normal, group, queueId);
  }
}

function wants({ filter }: HeldRequest, arrival: Arrival | undefined): boolean {
  if (filter === undefined || arrival === undefined) return true;
  return (
    filter.matchesConsumeQueue(arrival.tagsCode) && (filter.matchesCommitLog?.(NO_BYTES, arrival.properties) ?? true)
  );
}
