import { SystemTopic } from '@rocketnest/protocol';
import type { StoreMessage } from '@rocketnest/store';
import type { BrokerContext, Transactions } from '../context.js';
import { CheckBack } from './check-back.js';
import { TRANSACTION_GROUP, toHalf } from './half-message.js';
import { OpLog } from './op-log.js';

/**
 * Transactional messages: half messages wait in RMQ_SYS_TRANS_HALF_TOPIC until the producer's END_TRANSACTION, or until
 * the check-back asks for it (`TransactionalMessageServiceImpl`, `TransactionalMessageCheckService`).
 */
export class TransactionService implements Transactions {
  /** Half offsets whose END_TRANSACTION is being carried out: the check-back leaves them alone. */
  readonly ending = new Set<number>();
  private readonly ops: OpLog;
  private readonly checkBack: CheckBack;
  private closed = false;

  constructor(private readonly context: BrokerContext) {
    this.ops = new OpLog(context);
    this.checkBack = new CheckBack(context, this.ops, this.ending);
  }

  /** Starts the check-back scan. The store and the server are started before: stored hosts need the real port. */
  async start(): Promise<void> {
    const { jobs, options } = this.context;
    await this.ops.load(this.position(SystemTopic.TRANS_OP_HALF), this.position(SystemTopic.TRANS_HALF));
    jobs.every(
      () => options.transactionOpBatchInterval,
      'record finished transactions',
      () => this.ops.flush(),
    );
    jobs.every(
      () => options.transactionCheckInterval,
      'transaction check-back',
      () => this.check(),
    );
  }

  /** Ends a running scan soon and lets no other begin. */
  stopChecking(): void {
    this.closed = true;
  }

  /** Writes pending op messages. The store is closed after this. */
  async close(): Promise<void> {
    this.stopChecking();
    await this.ops.flush();
  }

  /** Turns a prepared message into a half message, in place; the caller stores it (`parseHalfMessageInner`). */
  prepare(message: StoreMessage): void {
    toHalf(message);
  }

  /** Records that a half message was committed or rolled back. */
  finish(halfOffset: number): void {
    this.ops.finish(halfOffset);
  }

  /** One scan of the half queue. Also called by tests that do not want to wait for the interval. */
  async check(): Promise<void> {
    const from = this.position(SystemTopic.TRANS_HALF);
    const to = await this.checkBack.scan(from, () => this.closed);
    if (to !== from) this.commit(SystemTopic.TRANS_HALF, to);
    if (this.ops.progress !== this.position(SystemTopic.TRANS_OP_HALF)) {
      this.commit(SystemTopic.TRANS_OP_HALF, this.ops.progress);
    }
  }

  private position(topic: string): number {
    const offset = this.context.offsets.query(TRANSACTION_GROUP, topic, 0);
    return offset === -1 ? this.context.store.minOffset(topic, 0) : offset;
  }

  private commit(topic: string, offset: number): void {
    this.context.offsets.commit(TRANSACTION_GROUP, topic, 0, offset);
  }
}
