import {
  decodeMessage,
  type MessageExt,
  type PopAck,
  type PopCheckPoint,
  PropertyName,
  ProtocolError,
  parsePopAck,
  parsePopCheckPoint,
  popNormalTopic,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { MAX_POP_MESSAGES, REVIVE_GROUP, ReviveTag } from './names.js';
import { ackOffsetAt, indexOfAck, isStored, mergeKeyOf, type ReviveLog, reviveTimeOf } from './revive-log.js';

/** Messages read at a time. */
const BATCH = 32;
const BATCH_BYTES = 1024 * 1024;
/** A check point is looked at when the timer has delivered what is due this much later than its own acknowledgements. */
const PATIENCE_MS = 2_000;
/** How much longer a message stays invisible after each failed return, seconds. Java: `ckRewriteIntervalsInSeconds`. */
const RETRY_SECONDS = [10, 20, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1200, 1800, 3600, 7200];

export interface ReviveParts {
  readonly context: BrokerContext;
  readonly log: ReviveLog;
  /** The timer has delivered everything that was due before this moment, ms since 1970. */
  readonly deliveredUntil: () => number;
  /** Puts a message into the retry topic of its group. @returns false when it is not stored */
  readonly revive: (point: PopCheckPoint, message: MessageExt) => Promise<boolean>;
}

/**
 * One queue of the revive topic (`PopReviveService`). Check points arrive a second before their messages become visible,
 * acknowledgements when they do; what is not acknowledged then returns to its group by the retry topic. The offset of
 * REVIVE_GROUP is that of the last check point that is finished: after a restart everything behind it is looked at again.
 */
export class ReviveQueue {
  /** Check points that are not finished, in the order of the queue, by merge key. */
  private readonly pending = new Map<string, PopCheckPoint>();
  private next = -1;
  /** Acknowledgements due before this moment have been read. */
  private readUntil = 0;

  constructor(
    private readonly parts: ReviveParts,
    private readonly queueId: number,
  ) {}

  /** Reads what has arrived, then returns what is overdue. @param stopped true: leave the rest for the next start */
  async run(stopped: () => boolean): Promise<void> {
    await this.read(stopped);
    for (const [key, point] of this.pending) {
      if (stopped() || this.readUntil - reviveTimeOf(point) <= PATIENCE_MS) return;
      await this.finish(point);
      this.pending.delete(key);
      this.commit(point.ro);
    }
  }

  private get committed(): number {
    return this.parts.context.offsets.query(REVIVE_GROUP, this.parts.log.topic, this.queueId);
  }

  private commit(offset: number): void {
    this.parts.context.offsets.commit(REVIVE_GROUP, this.parts.log.topic, this.queueId, offset);
  }

  private async read(stopped: () => boolean): Promise<void> {
    const { context, log } = this.parts;
    const { store } = context;
    if (this.next < 0) this.next = this.committed + 1;
    // A log that lost its end in a crash has less than the offset says.
    this.next = Math.min(this.next, store.maxOffset(log.topic, this.queueId));
    // Asked before reading: what the timer delivers meanwhile may be read in part. After a crash it delivers some slots again;
    // check points and acknowledgements come in their order then, too.
    const delivered = this.parts.deliveredUntil();
    while (!stopped() && this.next < store.maxOffset(log.topic, this.queueId)) {
      const result = await store.get(log.topic, this.queueId, this.next, BATCH, BATCH_BYTES);
      for (const stored of result.buffers) this.note(decodeMessage(stored));
      // No progress: the entries at the end are not readable yet.
      if (result.nextBeginOffset <= this.next) return;
      this.next = result.nextBeginOffset;
    }
    if (!stopped()) this.readUntil = delivered;
  }

  private note(message: MessageExt): void {
    const { logger } = this.parts.context;
    try {
      this.readers[message.properties[PropertyName.TAGS] ?? '']?.(message);
    } catch (error) {
      logger.error('a message of the revive topic cannot be read and is left out', {
        queueId: this.queueId,
        queueOffset: message.queueOffset,
        error,
      });
    }
  }

  /** What the messages of the revive topic mean, by tag. */
  private readonly readers: Readonly<Record<string, (message: MessageExt) => void>> = {
    [ReviveTag.CHECK_POINT]: ({ body, queueOffset }) => {
      const point = parsePopCheckPoint(body);
      if (point.n < 0 || point.n > MAX_POP_MESSAGES || (point.d.length !== 0 && point.d.length < point.n)) {
        throw new ProtocolError(
          `a check point of ${point.n} messages and ${point.d.length} offsets, expected up to 32`,
        );
      }
      point.ro = queueOffset;
      point.bm = 0;
      this.pending.set(mergeKeyOf(point, point.bn), point);
    },
    [ReviveTag.ACK]: ({ body }) => this.acknowledge(parsePopAck(body)),
    [ReviveTag.BATCH_ACK]: ({ body }) => this.acknowledge(parsePopAck(body)),
  };

  private acknowledge(ack: PopAck): void {
    const point = this.pending.get(mergeKeyOf(ack, ack.bn || this.parts.context.options.brokerName));
    if (point === undefined) return;
    for (const offset of ack.aol ?? [ack.ao]) {
      const index = indexOfAck(point, offset);
      if (index >= 0) point.bm |= 1 << index;
    }
  }

  /** Returns what a check point's acknowledgements left over. */
  private async finish(point: PopCheckPoint): Promise<void> {
    const { topics, groups, logger } = this.parts.context;
    if (!topics.has(popNormalTopic(point.t, point.c)) || groups.find(point.c) === undefined) {
      logger.warn('popped messages of a topic or group that is gone are not returned', {
        topic: point.t,
        group: point.c,
      });
      return;
    }
    const left = Array.from({ length: point.n }, (_, index) => index).filter(
      (index) => (point.bm & (1 << index)) === 0,
    );
    // All at once: under SYNC_FLUSH they share their way to the disk.
    const outcomes = await Promise.allSettled(
      left.map(async (index) => {
        const offset = ackOffsetAt(point, index);
        if (!(await this.giveBack(point, offset))) await this.postpone(point, offset);
        // Finished, even if another one fails and the check point is looked at again.
        point.bm |= 1 << index;
      }),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** @returns false when it has to be tried again; a message that was deleted meanwhile is lost for good */
  private async giveBack(point: PopCheckPoint, offset: number): Promise<boolean> {
    const { store, logger } = this.parts.context;
    try {
      const { buffers } = await store.get(point.t, point.q, offset, 1, BATCH_BYTES);
      const stored = buffers[0];
      if (stored === undefined) {
        logger.warn('a popped message is not there any more', { topic: point.t, queueId: point.q, offset });
        return true;
      }
      return await this.parts.revive(point, decodeMessage(stored));
    } catch (error) {
      logger.error('a popped message is not returned yet', { topic: point.t, queueId: point.q, offset, error });
      return false;
    }
  }

  /** Writes a new check point for one message. Java: `rePutCK`. */
  private async postpone(point: PopCheckPoint, offset: number): Promise<void> {
    const { options, logger, clock } = this.parts.context;
    const times = /^-?\d+$/.test(point.rp ?? '0') ? Number(point.rp ?? 0) : Number.POSITIVE_INFINITY;
    if (times >= RETRY_SECONDS.length && options.skipWhenCKRePutReachMaxTimes) {
      logger.error('a popped message is given up: returning it failed too often', { topic: point.t, offset, times });
      return;
    }
    const waitSeconds = RETRY_SECONDS[Math.min(times, RETRY_SECONDS.length - 1)]!;
    const again: PopCheckPoint = {
      ...point,
      so: offset,
      n: 1,
      d: [0],
      bm: 0,
      rp: String(Math.min(times, 127) + 1),
      it: reviveTimeOf(point) <= clock.now() ? point.it + waitSeconds * 1_000 : point.it,
      sp: false,
    };
    const result = await this.parts.log.putCheckPoint(again, this.queueId);
    // The check point is not finished then, and neither is anything behind it.
    if (!isStored(result)) throw new Error(`check point of ${point.t}@${point.q} is not stored: ${result.status}`);
  }
}
