import {
  decodeMessage,
  decodeOffsetMsgId,
  encodeQueryConsumeQueueResponse,
  PropertyName,
  type QueryConsumeQueueResponse,
  Requests,
  ResponseCode,
  SystemTopic,
} from '@rocketnest/protocol';
import { PutStatus } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { filterOf } from '../filters.js';
import { renewed } from '../transaction/half-message.js';
import { ok, type ProcessorRow, refuse, row } from './row.js';

/** Entries answered at most, whatever `count` says: a response must fit into a frame of 16 MiB. */
const MAX_ENTRIES = 50_000;

/** Stored messages as an administrator sees them (`AdminBrokerProcessor.queryConsumeQueue`, `resumeCheckHalfMessage`). */
export function messageAdminProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { consumers, filters, store, logger } = context;
  return [
    row(Requests.queryConsumeQueue, async ({ topic = '', queueId, index, count, consumerGroup }, request) => {
      if (!queueExists(topic, queueId)) {
        return refuse(request, ResponseCode.SYSTEM_ERROR, `${queueId}@${topic} is not exist!`);
      }
      const minQueueIndex = store.minOffset(topic, queueId);
      const maxQueueIndex = store.maxOffset(topic, queueId);
      const subscription = consumerGroup === undefined ? undefined : consumers.subscription(consumerGroup, topic);
      const filter = subscription === undefined ? undefined : filterOf(subscription);
      const body: Parameters<typeof encodeQueryConsumeQueueResponse>[0] = {
        minQueueIndex,
        maxQueueIndex,
        subscriptionData: subscription,
        filterData:
          consumerGroup === undefined
            ? undefined
            : subscription === undefined
              ? `${consumerGroup}@${topic} is not online!`
              : filters.describe(topic, consumerGroup),
      };
      if (index < minQueueIndex || index >= maxQueueIndex) {
        const response = ok(request);
        response.remark = `Index ${index} of ${queueId}@${topic} is not exist!`;
        return response;
      }
      const queueData: QueryConsumeQueueResponse['queueData'] = [];
      const end = Math.min(maxQueueIndex, index + Math.min(count, MAX_ENTRIES));
      for (let offset = index, from = -1; offset < end && offset !== from; ) {
        from = offset;
        const entries = await store.consumeQueueEntries(topic, queueId, offset, end - offset);
        for (const { commitLogOffset, size, tagsCode, queueOffset, messageCount } of entries) {
          if (queueOffset >= end) break;
          const matches = filter?.matchesConsumeQueue(tagsCode) ?? false;
          queueData.push({ physicOffset: commitLogOffset, physicSize: size, tagsCode, eval: matches });
          offset = queueOffset + messageCount;
        }
      }
      return ok(request, encodeQueryConsumeQueueResponse({ ...body, queueData }));
    }),

    /* A half message that was given up (TRANS_CHECK_MAX_TIME_TOPIC) goes back to be checked from the start. */
    row(Requests.resumeCheckHalfMessage, async ({ msgId }, request) => {
      const failed = (reason: string) => {
        logger.error('a half message was not put back', { msgId, reason });
        return refuse(
          request,
          ResponseCode.SYSTEM_ERROR,
          `Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed: ${reason}`,
        );
      };
      if (msgId === undefined) return failed('the request has no msgId');
      const { commitLogOffset } = decodeOffsetMsgId(msgId);
      const stored = await store.messageAt(commitLogOffset);
      if (stored === null) return failed(`there is no message at commit log offset ${commitLogOffset}`);
      const half = renewed(decodeMessage(stored), { [PropertyName.TRANSACTION_CHECK_TIMES]: '0' });
      const { status } = await store.putAsync({ ...half, topic: SystemTopic.TRANS_HALF, queueId: 0 });
      return status === PutStatus.PUT_OK ? ok(request) : failed(status);
    }),
  ];

  function queueExists(topic: string, queueId: number): boolean {
    for (const queue of store.queues()) if (queue.topic === topic && queue.queueId === queueId) return true;
    return false;
  }
}
