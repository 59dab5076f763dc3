import {
  decodeMessage,
  encodeMessage,
  encodePopReceipt,
  isRetryTopic,
  joinPopInfo,
  messageOffsetInfo,
  type PopCheckPoint,
  PropertyName,
  popTopicKind,
  readStored,
  startOffsetInfo,
} from '@rocketnest/protocol';
import { type GetResult, GetStatus, type MessageFilter } from '@rocketnest/store';
import { MAX_ANSWER_BYTES, queueKey } from './names.js';
import type { PopParts } from './parts.js';

/** Where a group begins that has no offset. Java: `ConsumeInitMode`. */
const INIT_MIN = 0;

/** After these the offset was wrong: the pop goes on where the store says. */
const wrongOffset: ReadonlySet<GetStatus> = new Set([
  GetStatus.OFFSET_TOO_SMALL,
  GetStatus.OFFSET_OVERFLOW_BADLY,
  GetStatus.OFFSET_FOUND_NULL,
]);
/** After these there was nothing for the group, which moves on. */
const nothingWanted: ReadonlySet<GetStatus> = new Set([
  GetStatus.NO_MATCHED_MESSAGE,
  GetStatus.OFFSET_FOUND_NULL,
  GetStatus.MESSAGE_WAS_REMOVING,
  GetStatus.NO_MATCHED_LOGIC_QUEUE,
]);

/** What one POP_MESSAGE asks for. */
export interface PopOrder {
  readonly topic: string;
  readonly group: string;
  readonly maxMessages: number;
  readonly invisibleTime: number;
  readonly initMode: number;
  readonly ordered: boolean;
  readonly attemptId: string | undefined;
  readonly filter: MessageFilter | undefined;
  readonly popTime: number;
  readonly reviveQueueId: number;
}

/** One pass over queues for one POP_MESSAGE: takes messages until there are enough (`PopMessageProcessor.popMsgFromQueue`). */
export class PopRun {
  readonly buffers: Buffer[] = [];
  /** Messages left in the queues, as the answer says it. */
  rest = 0;
  /** There is more to pop right now: another pop may have it. */
  more = false;
  private bytes = 0;
  private readonly startOffsets: string[] = [];
  private readonly messageOffsets: string[] = [];
  private readonly orderCounts: string[] = [];
  private readonly writes: Promise<void>[] = [];
  private readonly seen: (readonly [topic: string, queueId: number, maxOffset: number])[] = [];

  constructor(
    private readonly parts: PopParts,
    private readonly order: PopOrder,
  ) {}

  get isFull(): boolean {
    return this.buffers.length >= this.order.maxMessages || this.bytes >= MAX_ANSWER_BYTES;
  }

  /** True when a queue that was looked at has got messages since: nobody would wake this pop for them. */
  get hasMissedMessages(): boolean {
    const { store } = this.parts.context;
    return this.seen.some(([topic, queueId, maxOffset]) => store.maxOffset(topic, queueId) > maxOffset);
  }

  /** The response fields about single messages. */
  get infos(): { startOffsetInfo: string; msgOffsetInfo: string; orderCountInfo: string | undefined } {
    return {
      startOffsetInfo: joinPopInfo(this.startOffsets),
      msgOffsetInfo: joinPopInfo(this.messageOffsets),
      orderCountInfo: this.order.ordered ? joinPopInfo(this.orderCounts) : undefined,
    };
  }

  /** Resolves when the check points of this run are safe. */
  async stored(): Promise<void> {
    await Promise.all(this.writes);
  }

  /** Pops from all queues of a topic, beginning anywhere so that none is preferred; priority topics begin at the best queue. */
  async popTopic(topic: string, first: number): Promise<void> {
    const queues = this.parts.context.topics.get(topic)?.readQueueNums ?? 0;
    for (let step = 0; step < queues; step++) {
      const index = this.parts.context.options.priorityOrderAsc ? queues - 1 - step : step;
      const popping = this.popQueue(topic, (index + first) % queues);
      if (popping !== undefined) await popping;
    }
  }

  /** Pops from one queue; returns a promise only when it has to wait for the disk. */
  popQueue(topic: string, queueId: number): Promise<void> | undefined {
    const { locks, inflight, context } = this.parts;
    const { group, ordered } = this.order;
    const key = queueKey(topic, group, queueId);
    if (!locks.tryLock(key)) {
      if (!ordered) this.leave(topic, queueId, this.offsetOf(topic, queueId, key, false));
      return undefined;
    }
    let reading: Promise<void> | undefined;
    try {
      const { enablePopMessageThreshold, popInflightMessageThreshold } = context.options;
      if (enablePopMessageThreshold && inflight.get(key) > popInflightMessageThreshold) {
        // Whoever acknowledges wakes the pops; to try again before that is no use.
        this.rest += context.store.maxOffset(topic, queueId) - this.offsetOf(topic, queueId, key, false);
        return undefined;
      }
      reading = this.popLocked(topic, queueId, key);
    } finally {
      if (reading === undefined) locks.unlock(key);
    }
    return reading?.finally(() => locks.unlock(key));
  }

  private popLocked(topic: string, queueId: number, key: string): Promise<void> | undefined {
    const { context, order: orders, inflight } = this.parts;
    const { group, ordered, attemptId, invisibleTime } = this.order;
    const offset = this.takeReset(topic, queueId, key) ?? this.offsetOf(topic, queueId, key, true);
    if (ordered) {
      // What is blocked does not count as left: whoever frees the queue wakes the pops.
      if (orders.isBlocked(attemptId, topic, group, queueId, invisibleTime)) return undefined;
      inflight.clear(key);
    }
    if (this.isFull) {
      this.leave(topic, queueId, offset);
      return undefined;
    }
    const found = this.read(topic, queueId, offset);
    const take = (result: GetResult): Promise<void> | undefined => {
      if (!wrongOffset.has(result.status)) {
        this.take(topic, queueId, key, offset, result);
        return undefined;
      }
      const { nextBeginOffset } = result;
      context.logger.warn('pop offset corrected', { topic, group, queueId, offset, nextBeginOffset });
      context.offsets.commit(group, topic, queueId, nextBeginOffset);
      const again = this.read(topic, queueId, nextBeginOffset);
      const takeAgain = (second: GetResult): void => this.take(topic, queueId, key, nextBeginOffset, second);
      if (again instanceof Promise) return again.then(takeAgain);
      takeAgain(again);
      return undefined;
    };
    return found instanceof Promise ? found.then(take) : take(found);
  }

  private read(topic: string, queueId: number, offset: number): GetResult | Promise<GetResult> {
    const wanted = this.order.maxMessages - this.buffers.length;
    return this.parts.context.store.get(topic, queueId, offset, wanted, MAX_ANSWER_BYTES, this.order.filter);
  }

  /** Makes what was read the group's: notes it, then adds it to the answer. */
  private take(topic: string, queueId: number, key: string, offset: number, result: GetResult): void {
    const { context, order: orders, checkPoints, inflight } = this.parts;
    const { group, ordered, attemptId, popTime, invisibleTime } = this.order;
    const { buffers, nextBeginOffset, maxOffset } = result;
    context.stats.looked(result.messageCount, context.clock.now() - popTime);
    if (buffers.length > 0) {
      const queueOffsets = buffers.map((message) => readStored.queueOffset(message, 0));
      if (ordered) {
        const pop = { topic, group, queueId, attemptId, popTime, invisibleTime, queueOffsets };
        this.orderCounts.push(orders.popped(pop));
        context.offsets.commit(group, topic, queueId, offset);
      } else if (!this.addCheckPoint(topic, queueId, offset, queueOffsets, nextBeginOffset)) {
        this.rest += buffers.length;
        return;
      }
      this.startOffsets.push(startOffsetInfo(topic, queueId, offset));
      this.messageOffsets.push(messageOffsetInfo(topic, queueId, queueOffsets));
      inflight.popped(key, result.messageCount);
      context.stats.got(group, topic, result.messageCount, result.bytes);
    } else if (nothingWanted.has(result.status)) {
      if (ordered) context.offsets.commit(group, topic, queueId, nextBeginOffset);
      else checkPoints.skip(topic, group, queueId, offset, nextBeginOffset);
    }
    this.seen.push([topic, queueId, maxOffset]);
    this.rest += maxOffset - nextBeginOffset;
    if (maxOffset > nextBeginOffset) this.more = true;
    for (const message of buffers) this.append(topic, offset, message);
  }

  private addCheckPoint(
    topic: string,
    queueId: number,
    offset: number,
    queueOffsets: readonly number[],
    nextOffset: number,
  ): boolean {
    const { group, popTime, invisibleTime, reviveQueueId } = this.order;
    const point: PopCheckPoint = {
      t: topic,
      c: group,
      q: queueId,
      so: offset,
      pt: popTime,
      it: invisibleTime,
      n: queueOffsets.length,
      d: queueOffsets.map((each) => each - offset),
      bn: this.parts.context.options.brokerName,
      bm: 0,
      ro: 0,
      sp: false,
    };
    this.parts.context.stats.checkpointed(group, this.order.topic, 1);
    const written = this.parts.checkPoints.add(point, reviveQueueId, nextOffset);
    if (written !== undefined) this.writes.push(written);
    return written !== undefined;
  }

  /** Messages of a retry topic are given away under the name that was asked for, with their receipt. */
  private append(topic: string, offset: number, message: Buffer): void {
    const { options } = this.parts.context;
    const shown =
      isRetryTopic(topic) && topic !== this.order.topic && !options.popResponseReturnActualRetryTopic
        ? this.renamed(topic, offset, message)
        : message;
    this.buffers.push(shown);
    this.bytes += shown.length;
  }

  private renamed(topic: string, startOffset: number, stored: Buffer): Buffer {
    const { popTime, invisibleTime, reviveQueueId } = this.order;
    const message = decodeMessage(stored);
    const receipt = encodePopReceipt({
      startOffset,
      popTime,
      invisibleTime,
      reviveQueueId,
      kind: popTopicKind(topic),
      brokerName: this.parts.context.options.brokerName,
      queueId: message.queueId,
      queueOffset: message.queueOffset,
    });
    const properties = { [PropertyName.POP_CK]: receipt, ...message.properties };
    return encodeMessage({ ...message, topic: this.order.topic, properties });
  }

  /** Messages of this queue stay for another pop. */
  private leave(topic: string, queueId: number, offset: number): void {
    const maxOffset = this.parts.context.store.maxOffset(topic, queueId);
    const left = maxOffset - offset;
    this.seen.push([topic, queueId, maxOffset]);
    this.rest += left;
    if (left > 0) this.more = true;
  }

  /** Where the group goes on. Java: `getPopOffset`. @param commit whether a first offset is kept */
  private offsetOf(topic: string, queueId: number, key: string, commit: boolean): number {
    const { context, checkPoints } = this.parts;
    const { group } = this.order;
    let offset = context.offsets.query(group, topic, queueId);
    if (offset < 0) {
      offset = this.firstOffset(topic, queueId);
      if (commit) context.offsets.commit(group, topic, queueId, offset);
    }
    return Math.max(offset, checkPoints.latestOffset(key));
  }

  /** Java: `getInitOffset`. */
  private firstOffset(topic: string, queueId: number): number {
    const { store, options } = this.parts.context;
    const min = store.minOffset(topic, queueId);
    if (this.order.initMode === INIT_MIN || isRetryTopic(topic)) return min;
    if (options.initPopOffsetByCheckMsgInMem && min <= 0 && store.isRecent(topic, queueId, 0)) return 0;
    // The last message is popped, so that the group gets an offset.
    return Math.max(0, store.maxOffset(topic, queueId) - 1);
  }

  /** An admin moved the group: what was popped before has no say about its offset. Java: `resetPopOffset`. */
  private takeReset(topic: string, queueId: number, key: string): number | undefined {
    const { context, order: orders, checkPoints } = this.parts;
    const { group } = this.order;
    const offset = context.offsets.takeReset(group, topic, queueId);
    if (offset === undefined) return undefined;
    orders.clear(topic, group, queueId);
    checkPoints.forget(key);
    context.offsets.commit(group, topic, queueId, offset);
    return offset;
  }
}
