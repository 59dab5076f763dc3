import type { Connection, RemotingClient } from '@rocketnest/remoting';
import type { BrokerContext, Pops } from '../context.js';
import type { ProcessorRow } from '../processors/row.js';
import { ackProcessors } from './ack-processor.js';
import { assignmentProcessors } from './assignment-processor.js';
import { changeInvisibleProcessors } from './change-invisible-processor.js';
import { CheckPoints } from './check-points.js';
import { crashedSince, ensureOffsetFile, recoverOffsets, returnedSince } from './crash-recovery.js';
import { HeldRequests } from './hold.js';
import { InflightCounter } from './inflight.js';
import { PopLocks } from './locks.js';
import { notificationProcessors } from './notification-processor.js';
import { OrderTable } from './order-table.js';
import type { PopParts } from './parts.js';
import { nextOffset, peekProcessors } from './peek-processor.js';
import { PopProcessor } from './pop-processor.js';
import { RequestModes } from './request-modes.js';
import { ReviveLog } from './revive-log.js';
import { ReviveService } from './revive-service.js';
import { TopicQueues } from './topic-queues.js';

/** Held requests are looked at so often; they may be answered that much late. */
const SWEEP_HELD_MS = 50;
const SWEEP_CHECK_POINTS_MS = 100;
/** Java saves the order table every 10 s. */
const SAVE_ORDER_MS = 10_000;

/**
 * Pop: consumers take messages without owning queues. Each message is invisible for a while and then returns by the retry topic
 * unless it was acknowledged (`PopMessageProcessor` and what belongs to it; the file variant, without RocksDB).
 */
export class PopService implements Pops {
  readonly processors: readonly ProcessorRow[];
  private readonly parts: PopParts;
  private readonly revive: ReviveService;
  private readonly modes: RequestModes;
  private startedAt = 0;
  private crashedSince: number | undefined;

  constructor(
    private readonly context: BrokerContext,
    client: RemotingClient,
  ) {
    const { options, clock } = context;
    const log = new ReviveLog(context);
    this.parts = {
      context,
      log,
      locks: new PopLocks(),
      inflight: new InflightCounter(() => this.startedAt),
      checkPoints: new CheckPoints(context, log),
      order: new OrderTable({
        options,
        clock,
        topics: context.topics,
        groups: context.groups,
        path: context.configFile('consumerOrderInfo.json'),
        onFree: (topic, group, queueId) => this.wake(topic, group, queueId),
      }),
      pops: new HeldRequests({ options, clock, lastFirst: false }),
      notifications: new HeldRequests({ options, clock, lastFirst: true }),
    };
    this.revive = new ReviveService({
      context,
      log,
      inflight: this.parts.inflight,
      deliveredUntil: () => {
        const { enqueueBehindMillis, dequeueBehindMillis } = context.timers;
        return clock.now() - Math.max(enqueueBehindMillis, dequeueBehindMillis);
      },
    });
    this.modes = new RequestModes(options, context.configFile('messageRequestMode.json'));
    const queues = new TopicQueues({ options, clock, logger: context.logger, topics: context.topics, client });
    this.processors = [
      ...new PopProcessor(this.parts).rows,
      ...ackProcessors(this.parts),
      ...changeInvisibleProcessors(this.parts),
      ...peekProcessors(this.parts),
      ...notificationProcessors(this.parts),
      ...assignmentProcessors({ context, modes: this.modes, queues }),
    ];
  }

  /** Reads the tables. The store starts after this. */
  async load(): Promise<void> {
    await Promise.all([this.parts.order.file.load(), this.modes.file.load()]);
    this.crashedSince = await crashedSince(this.context);
  }

  /** Finds out how far groups had got before a crash. The store is started before this, the server after it. */
  async recover(): Promise<void> {
    const { context } = this;
    await ensureOffsetFile(context);
    if (this.crashedSince === undefined) return;
    const moved = await recoverOffsets(context, this.parts.log, context.options.reviveQueueNum, this.crashedSince);
    if (moved > 0) context.logger.info('offsets of groups that popped before the crash are recovered', { moved });
    this.revive.skipReturned(await returnedSince(context, this.crashedSince));
  }

  /** Starts returning messages. The store and the server are started before: stored hosts need the real port. */
  start(): void {
    const { jobs, options, clock } = this.context;
    const { order, pops, notifications, checkPoints } = this.parts;
    this.startedAt = clock.now();
    order.start();
    jobs.every(SWEEP_HELD_MS, 'answer held pops', () => {
      pops.sweep();
      notifications.sweep();
    });
    jobs.every(SWEEP_CHECK_POINTS_MS, 'write check points', () => checkPoints.sweep());
    jobs.every(
      () => options.reviveInterval,
      'return popped messages',
      () => this.revive.run(),
    );
    jobs.every(SAVE_ORDER_MS, 'save orderly pops', () => order.file.save());
  }

  left(group: string, connection: Connection): void {
    this.parts.pops.left(group, connection);
    this.parts.notifications.left(group, connection);
  }

  /** Answers what waits; no request is held and no message returned from here on. */
  release(): void {
    this.parts.pops.close();
    this.parts.notifications.close();
    this.revive.stop();
  }

  /** Writes what is only in memory. No requests come any more, the store is closed after this. */
  async close(): Promise<void> {
    this.parts.order.close();
    await this.revive.close();
    await this.parts.checkPoints.drain();
    await Promise.all([this.parts.order.file.save(), this.modes.file.save()]);
  }

  arrived(
    topic: string,
    queueId: number,
    maxOffset: number,
    tagsCode: number,
    properties: () => Record<string, string>,
  ): void {
    const arrival = { tagsCode, properties };
    this.parts.pops.arrived(topic, queueId, maxOffset - 1, arrival);
    this.parts.notifications.arrived(topic, queueId, maxOffset - 1, arrival);
  }

  topicDeleted(name: string): void {
    this.parts.inflight.remove((topic) => topic === name);
  }

  groupDeleted(name: string): void {
    this.parts.inflight.remove((_topic, group) => group === name);
  }

  /** Java: `notifyLongPollingRequestIfNeed`. */
  private wake(topic: string, group: string, queueId: number): void {
    const { context, pops, notifications } = this.parts;
    if (context.store.maxOffset(topic, queueId) <= nextOffset(this.parts, topic, group, queueId)) return;
    if (!pops.wake(topic, group, -1)) pops.wake(topic, group, queueId);
    notifications.wake(topic, group, -1);
    notifications.wake(topic, group, queueId);
  }
}
