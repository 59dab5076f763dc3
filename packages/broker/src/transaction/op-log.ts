import { decodeMessage, SystemTopic, UniqueIdGenerator } from '@rocketnest/protocol';
import { PutStatus } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { finishedIn, opMessage } from './half-message.js';

const READ_COUNT = 32;
const READ_BYTES = 256 * 1024;

/**
 * Which half messages are finished (committed or rolled back). They are recorded in RMQ_SYS_TRANS_OP_HALF_TOPIC, many to
 * one op message, so that a restarted broker, ours or Apache's, knows them (`TransactionalMessageServiceImpl`,
 * `TransactionalOpBatchService`). Between two batches they are known in memory only: a crash then costs another
 * check-back, never a message.
 */
export class OpLog {
  /** Finished, not yet written. */
  private waiting: number[] = [];
  private waitingBytes = 0;
  private readonly unwritten = new Set<number>();
  /** Half offset → op message that records it, until the scan has passed the half message. */
  private readonly recordedIn = new Map<number, number>();
  /** Op message → how many of its half messages the scan has still to pass; in queue order. */
  private readonly open = new Map<number, number>();
  private nextOp = 0;
  private readonly uniqueIds: UniqueIdGenerator;

  constructor(private readonly context: BrokerContext) {
    const now = (): number => context.clock.now();
    this.uniqueIds = new UniqueIdGenerator({ address: '0.0.0.0', pid: process.pid, instance: now() | 0, now });
  }

  /**
   * Reads the op queue from `offset`, the position that an earlier run persisted.
   * @param halfOffset where the scan of the half queue continues; what lies before it is finished anyway.
   */
  async load(offset: number, halfOffset: number): Promise<void> {
    this.nextOp = offset;
    for (;;) {
      const found = await this.context.store.get(SystemTopic.TRANS_OP_HALF, 0, this.nextOp, READ_COUNT, READ_BYTES);
      for (const buffer of found.buffers) {
        const op = decodeMessage(buffer);
        this.record(
          op.queueOffset,
          finishedIn(op).filter((half) => half >= halfOffset),
        );
      }
      const stuck = found.nextBeginOffset <= this.nextOp;
      this.nextOp = found.nextBeginOffset;
      if (found.buffers.length === 0 && stuck) return;
    }
  }

  /** Marks a half message as committed or rolled back. */
  finish(halfOffset: number): void {
    this.waiting.push(halfOffset);
    this.unwritten.add(halfOffset);
    this.waitingBytes += String(halfOffset).length + 1;
    if (this.waitingBytes >= this.context.options.transactionOpMsgMaxSize) void this.flush();
  }

  isFinished(halfOffset: number): boolean {
    return this.recordedIn.has(halfOffset) || this.unwritten.has(halfOffset);
  }

  /** The scan is past a finished half message: it need not be remembered once it is recorded. */
  pass(halfOffset: number): void {
    const op = this.recordedIn.get(halfOffset);
    if (op === undefined) return;
    this.recordedIn.delete(halfOffset);
    const left = (this.open.get(op) ?? 1) - 1;
    if (left === 0) this.open.delete(op);
    else this.open.set(op, left);
  }

  /** Op messages before this one are not needed any more; the position to persist. */
  get progress(): number {
    const [first] = this.open.keys();
    return first ?? this.nextOp;
  }

  /** Writes what is waiting as one op message. */
  async flush(): Promise<void> {
    const halves = this.waiting;
    if (halves.length === 0) return;
    this.waiting = [];
    this.waitingBytes = 0;
    const { clock, storeHost } = this.context;
    const message = opMessage(halves, this.uniqueIds.next(), clock.now(), storeHost);
    const result = await new Promise<{ status: string; queueOffset: number }>((resolve) =>
      this.context.putMessage(message, resolve),
    );
    if (result.status !== PutStatus.PUT_OK) {
      this.context.logger.error('op message not stored, will be tried again', { status: result.status });
      this.waiting = [...halves, ...this.waiting];
      return;
    }
    for (const half of halves) this.unwritten.delete(half);
    this.record(result.queueOffset, halves);
    this.nextOp = Math.max(this.nextOp, result.queueOffset + 1);
  }

  private record(op: number, halves: readonly number[]): void {
    if (halves.length > 0) this.open.set(op, halves.length);
    for (const half of halves) this.recordedIn.set(half, op);
  }
}
