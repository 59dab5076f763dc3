import {
  decodeFields,
  ExpressionType,
  type MessageExt,
  PullSysFlag,
  type RemotingCommand,
  Requests,
  ResponseCode,
  type SubscriptionData,
} from '@rocketnest/protocol';
import { responseError } from '../../broker-api.js';
import type { MessageQueue } from '../../message-queue.js';
import type { BrokerLink, PullHeader } from '../broker-link.js';
import { readMessages } from './read-messages.js';

/** How a pull ended. Java: PullStatus. */
export type PullStatus = 'FOUND' | 'NO_NEW_MSG' | 'NO_MATCHED_MSG' | 'OFFSET_ILLEGAL';

/** What a pull brought. Java: PullResult. */
export interface PullResult {
  /**
   * FOUND: see messages. NO_NEW_MSG: the queue ends at the offset. NO_MATCHED_MSG: there are messages, but the filter takes none so
   * far. OFFSET_ILLEGAL: the queue has no such offset. In all cases `nextBeginOffset` is where to go on.
   */
  readonly status: PullStatus;
  readonly nextBeginOffset: number;
  /** Offset of the oldest message of the queue. */
  readonly minOffset: number;
  /** Offset of the next message to come. */
  readonly maxOffset: number;
  readonly messages: MessageExt[];
}

const STATUS: ReadonlyMap<number, PullStatus> = new Map([
  [ResponseCode.SUCCESS, 'FOUND'],
  [ResponseCode.PULL_NOT_FOUND, 'NO_NEW_MSG'],
  [ResponseCode.PULL_RETRY_IMMEDIATELY, 'NO_MATCHED_MSG'],
  [ResponseCode.PULL_OFFSET_MOVED, 'OFFSET_ILLEGAL'],
]);

export interface PullTerms {
  readonly group: string;
  readonly queue: MessageQueue;
  readonly subscription: SubscriptionData;
  readonly offset: number;
  readonly maxNums: number;
  readonly maxBytes: number;
  /** How long the broker holds the pull while it finds nothing, in ms; 0: not at all. */
  readonly suspendMs: number;
  readonly timeoutMs: number;
  /** Which member of the replica group to ask. */
  readonly brokerId: number;
}

/** One pull. Resolves to what it brought and the broker to ask next. Rejects as broker calls do. Java: PullAPIWrapper.pullKernelImpl. */
export async function pullOnce(
  brokers: BrokerLink,
  terms: PullTerms,
): Promise<{ result: PullResult; brokerId: number }> {
  const { queue, subscription, offset } = terms;
  const byTags = subscription.expressionType === ExpressionType.TAG;
  const fields = {
    consumerGroup: terms.group,
    topic: queue.topic,
    queueId: queue.queueId,
    queueOffset: offset,
    maxMsgNums: terms.maxNums,
    maxMsgBytes: terms.maxBytes,
    sysFlag: PullSysFlag.SUBSCRIPTION | (terms.suspendMs > 0 ? PullSysFlag.SUSPEND : 0),
    commitOffset: 0,
    suspendTimeoutMillis: terms.suspendMs,
    subscription: subscription.subString,
    subVersion: byTags ? 0 : subscription.subVersion,
    expressionType: subscription.expressionType,
    bname: queue.brokerName,
  };
  const response = await new Promise<RemotingCommand>((resolve, reject) => {
    brokers.pull(queue, terms.brokerId, fields, terms.timeoutMs, (error, answer) =>
      answer === undefined ? reject(error) : resolve(answer),
    );
  });
  const status = STATUS.get(response.code);
  if (status === undefined) throw responseError(Requests.pullMessage.name, queue.brokerName, response);
  const header: PullHeader = decodeFields(Requests.pullMessage.response, response.extFields, Requests.pullMessage.name);
  const messages = status === 'FOUND' ? readMessages(response, header, subscription.tagsSet, queue, offset) : [];
  const { nextBeginOffset, minOffset, maxOffset, suggestWhichBrokerId } = header;
  return { result: { status, nextBeginOffset, minOffset, maxOffset, messages }, brokerId: suggestWhichBrokerId };
}
