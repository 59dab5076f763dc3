import {
  createResponse,
  decodeFields,
  decodeMessage,
  isOneway,
  type MessageExt,
  MessageSysFlag,
  PropertyName,
  type RemotingCommand,
  RequestCode,
  type RequestFields,
  Requests,
  ResponseCode,
  SystemTopic,
} from '@rocketnest/protocol';
import type { PutResult } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { type ProcessorRow, refuse } from '../processors/row.js';
import { sendOutcomes } from '../processors/send-result.js';
import { immunityMs } from './check-back.js';
import { committed } from './half-message.js';

type EndTransaction = RequestFields<typeof Requests.endTransaction>;

/** END_TRANSACTION (`EndTransactionProcessor`). */
export const transactionProcessors = (context: BrokerContext): readonly ProcessorRow[] => [
  [RequestCode.END_TRANSACTION, (request) => endTransaction(context, request)],
];

async function endTransaction(context: BrokerContext, request: RemotingCommand): Promise<RemotingCommand | undefined> {
  const fields = decodeFields(Requests.endTransaction.fields, request.extFields, 'END_TRANSACTION');
  const decision = fields.commitOrRollback;
  if (decision !== MessageSysFlag.TRANSACTION_COMMIT && decision !== MessageSysFlag.TRANSACTION_ROLLBACK) {
    // Still undecided: Apache answers nothing. The check-back will ask again.
    return isOneway(request) ? undefined : createResponse(request, ResponseCode.SUCCESS);
  }
  const halfOffset = fields.tranStateTableOffset;
  context.transactions.ending.add(halfOffset);
  try {
    const stored = await context.store.messageAt(fields.commitLogOffset);
    const half = stored === null ? undefined : decodeMessage(stored);
    const refusal = refusalOf(context, fields, half);
    if (half === undefined || refusal !== undefined) {
      context.logger.warn('END_TRANSACTION refused', { ...refusal, ...fields });
      return refuse(request, refusal?.code ?? ResponseCode.SYSTEM_ERROR, refusal?.remark ?? '');
    }
    if (decision === MessageSysFlag.TRANSACTION_COMMIT) {
      const message = committed(half);
      const result = await new Promise<PutResult>((resolve) => context.putMessage(message, resolve));
      const outcome = sendOutcomes(context.options)[result.status];
      if (!outcome.stored) return refuse(request, outcome.code, outcome.remark ?? result.status);
      context.stats.put(message.topic, message.queueId, result.messageCount, result.bytes);
    }
    context.transactions.finish(halfOffset);
    return createResponse(request, ResponseCode.SUCCESS);
  } finally {
    context.transactions.ending.delete(halfOffset);
  }
}

/** Why the request does not fit the half message it names (`checkPrepareMessage`, `rejectCommitOrRollback`). */
function refusalOf(
  context: BrokerContext,
  fields: EndTransaction,
  half: MessageExt | undefined,
): { code: number; remark: string } | undefined {
  const wrong = (remark: string) => ({ code: ResponseCode.SYSTEM_ERROR, remark });
  // Of another topic: REAL_TOPIC would be the sender's own invention.
  if (half?.topic !== SystemTopic.TRANS_HALF) return wrong('Find prepared transaction message failed');
  const immunity = half.properties[PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS];
  const { transactionTimeOut } = context.options;
  if (immunity && !fields.fromTransactionCheck) {
    const age = context.clock.now() - half.bornTimestamp;
    if (age > immunityMs(immunity, transactionTimeOut)) {
      return {
        code: ResponseCode.ILLEGAL_OPERATION,
        remark: `the message is ${age} ms old, beyond its check immunity time: the check-back decides now`,
      };
    }
  }
  if (half.properties[PropertyName.PRODUCER_GROUP] !== fields.producerGroup) return wrong('The producer group wrong');
  if (half.queueOffset !== fields.tranStateTableOffset) return wrong('The transaction state table offset wrong');
  if (half.commitLogOffset !== fields.commitLogOffset) return wrong('The commit log offset wrong');
  return undefined;
}
