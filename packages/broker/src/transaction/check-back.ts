import {
  createRequest,
  decodeMessage,
  encodeMessage,
  type MessageExt,
  PermName,
  PropertyName,
  Requests,
  SystemTopic,
} from '@rocketnest/protocol';
import { GetStatus, type PutResult, PutStatus, type StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { discarded, renewed } from './half-message.js';
import type { OpLog } from './op-log.js';

/** One scan stops after this long and goes on at the next interval (`MAX_PROCESS_TIME_LIMIT`). */
const MAX_SCAN_MS = 60_000;
const READ_BYTES = 64 * 1024 * 1024;
const HOUR_MS = 3_600_000;

/** What the scan does with a half message that nobody has decided. */
type Decision = 'discard' | 'check' | 'wait' | 'shelter';

/**
 * The check-back: walks the half queue in order, passes finished messages, asks producers about old undecided ones and gives
 * up on those asked too often (`TransactionalMessageServiceImpl.check`). A message that was asked about is stored again
 * at the end of the half queue, so the position never waits for a slow decision.
 */
export class CheckBack {
  constructor(
    private readonly context: BrokerContext,
    private readonly ops: OpLog,
    /** Half offsets whose END_TRANSACTION is being carried out right now. */
    private readonly ending: ReadonlySet<number>,
  ) {}

  /** Walks the half queue from `offset`; returns where the next scan starts. */
  async scan(offset: number, stopped: () => boolean): Promise<number> {
    const startedAt = this.context.clock.now();
    let position = offset;
    while (!stopped() && this.context.clock.now() - startedAt < MAX_SCAN_MS) {
      if (this.ops.isFinished(position)) {
        this.ops.pass(position++);
        continue;
      }
      if (this.ending.has(position)) break;
      const found = await this.context.store.get(SystemTopic.TRANS_HALF, 0, position, 1, READ_BYTES);
      const [buffer] = found.buffers;
      if (found.status !== GetStatus.FOUND || buffer === undefined) {
        if (found.nextBeginOffset <= position) break;
        position = found.nextBeginOffset;
        continue;
      }
      const half = decodeMessage(buffer);
      const decision = this.decide(half, startedAt);
      // The producer may have decided while the message was read.
      if (this.ops.isFinished(position) || this.ending.has(position)) continue;
      if (decision === 'wait' || !(await this.carryOut(decision, half))) break;
      position++;
    }
    return position;
  }

  private decide(half: MessageExt, startedAt: number): Decision {
    const { options, clock } = this.context;
    const age = clock.now() - half.bornTimestamp;
    if (checksOf(half) >= options.transactionCheckMax || age > options.fileReservedTime * HOUR_MS) return 'discard';
    if (half.storeTimestamp >= startedAt) return 'wait';
    const immunity = half.properties[PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS];
    if (immunity === undefined) return age >= 0 && age <= options.transactionTimeOut ? 'wait' : 'check';
    // Messages with their own first check time would hold up the ones behind them: they are moved to the end.
    return age <= immunityMs(immunity, options.transactionTimeOut) ? 'shelter' : 'check';
  }

  /** False when it could not be stored; the scan then ends and the next one meets the message again. */
  private async carryOut(decision: 'discard' | 'check' | 'shelter', half: MessageExt): Promise<boolean> {
    if (decision === 'discard') {
      this.context.logger.warn('half message given up, moved to TRANS_CHECK_MAX_TIME_TOPIC', {
        realTopic: half.properties[PropertyName.REAL_TOPIC],
        msgId: half.msgId,
        checks: checksOf(half),
      });
      this.context.topics.createInternal(SystemTopic.TRANS_CHECK_MAX_TIME, 1, PermName.READ | PermName.WRITE);
      return (await this.put(discarded(half))) !== undefined;
    }
    if (decision === 'shelter') {
      const origin = half.properties[PropertyName.TRANSACTION_PREPARED_QUEUE_OFFSET] ?? String(half.queueOffset);
      if (this.ops.isFinished(Number(origin))) {
        this.ops.pass(Number(origin));
        return true;
      }
      return (
        (await this.put(renewed(half, { [PropertyName.TRANSACTION_PREPARED_QUEUE_OFFSET]: origin }))) !== undefined
      );
    }
    const checks = String(checksOf(half) + 1);
    const again = renewed(half, { [PropertyName.TRANSACTION_CHECK_TIMES]: checks });
    const properties = again.properties;
    const result = await this.put(again);
    if (result === undefined) return false;
    this.ask({
      ...half,
      properties,
      queueOffset: result.queueOffset,
      commitLogOffset: result.commitLogOffset,
      offsetMsgId: result.msgIds,
    });
    return true;
  }

  /** Sends CHECK_TRANSACTION_STATE to one of the group's producers (`AbstractTransactionalMessageCheckListener`). */
  private ask(half: MessageExt): void {
    const group = half.properties[PropertyName.PRODUCER_GROUP] ?? '';
    const producer = this.context.producers.pick(group);
    if (producer === undefined) {
      this.context.logger.warn('no producer to ask about a half message', { group, msgId: half.msgId });
      return;
    }
    const uniqueKey = half.properties[PropertyName.UNIQ_KEY];
    const fields = {
      topic: SystemTopic.TRANS_HALF,
      tranStateTableOffset: half.queueOffset,
      commitLogOffset: half.commitLogOffset,
      msgId: uniqueKey,
      transactionId: uniqueKey,
      offsetMsgId: half.offsetMsgId,
      bname: this.context.options.brokerName,
    };
    const message = {
      ...half,
      topic: half.properties[PropertyName.REAL_TOPIC] ?? '',
      queueId: Number(half.properties[PropertyName.REAL_QUEUE_ID]),
    };
    producer.sendOneway(createRequest(Requests.checkTransactionState, fields, encodeMessage(message)));
  }

  private async put(message: StoreMessage): Promise<PutResult | undefined> {
    const result = await new Promise<PutResult>((resolve) => this.context.putMessage(message, resolve));
    if (result.status === PutStatus.PUT_OK) return result;
    this.context.logger.error('check-back could not store a message, will be tried again', { status: result.status });
    return undefined;
  }
}

const checksOf = (half: MessageExt): number => Number(half.properties[PropertyName.TRANSACTION_CHECK_TIMES] ?? 0);

/**
 * How long a half message that asks for its own first check time (seconds) is left alone, in milliseconds; never less
 * than `transactionTimeOut` (`TransactionalMessageUtil.getImmunityTime`).
 */
export function immunityMs(seconds: string, transactionTimeOutMs: number): number {
  const own = /^-?\d+$/.test(seconds) ? Number(seconds) * 1_000 : 0;
  return Math.max(own, transactionTimeOutMs);
}
