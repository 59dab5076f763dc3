import { Requests, ResponseCode } from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import {
  earliestStoreTime,
  maxOffset,
  minOffset,
  queryOffset,
  searchOffset,
  translated,
  updateOffset,
} from '../static-topic/offsets.js';
import { answer, ok, type ProcessorRow, refuse, row } from './row.js';

/** Offsets of groups and queues (`ConsumerManageProcessor`, `AdminBrokerProcessor`). */
export function offsetProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { offsets, groups, topics, store, options, delay } = context;
  return [
    translated(
      context,
      Requests.queryConsumerOffset,
      queryOffset,
      ({ consumerGroup, topic, queueId, setZeroIfNotFound }, request) => {
        const offset = offsets.query(consumerGroup, topic, queueId);
        if (offset >= 0) return answer(request, Requests.queryConsumerOffset, { offset });
        if (setZeroIfNotFound === false) {
          return refuse(
            request,
            ResponseCode.QUERY_NOT_FOUND,
            'Not found, do not set to zero, maybe this group boot first',
          );
        }
        // A queue that still has its first message, and has it in memory, is young: a new group may start at its beginning.
        const untouched = store.minOffset(topic, queueId) <= 0 && store.maxOffset(topic, queueId) > 0;
        if (untouched && store.isRecent(topic, queueId, 0)) {
          return answer(request, Requests.queryConsumerOffset, { offset: 0 });
        }
        return refuse(
          request,
          ResponseCode.QUERY_NOT_FOUND,
          'Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first',
        );
      },
    ),

    translated(
      context,
      Requests.updateConsumerOffset,
      updateOffset,
      ({ consumerGroup, topic, queueId, commitOffset }, request) => {
        if (!groups.has(consumerGroup)) {
          return refuse(request, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${consumerGroup} not exist!`);
        }
        if (!topics.has(topic)) return refuse(request, ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`);
        if (options.useServerSideResetOffset && offsets.hasReset(consumerGroup, topic, queueId)) {
          return refuse(request, ResponseCode.SUCCESS, 'Offset has been previously reset');
        }
        offsets.commit(consumerGroup, topic, queueId, commitOffset);
        return ok(request);
      },
    ),

    translated(context, Requests.getMaxOffset, maxOffset, ({ topic, queueId }, request) =>
      answer(request, Requests.getMaxOffset, { offset: store.maxOffset(topic, queueId) }),
    ),
    translated(context, Requests.getMinOffset, minOffset, ({ topic, queueId }, request) =>
      answer(request, Requests.getMinOffset, { offset: store.minOffset(topic, queueId) }),
    ),
    translated(
      context,
      Requests.searchOffsetByTimestamp,
      searchOffset(context),
      async ({ topic, queueId, timestamp, boundaryType }, request) => {
        const boundary = boundaryType?.toUpperCase() === 'UPPER' ? 'UPPER' : 'LOWER';
        const offset = await store.offsetByTimestamp(topic, queueId, timestamp, boundary);
        return answer(request, Requests.searchOffsetByTimestamp, { offset });
      },
    ),
    translated(context, Requests.getEarliestMsgStoretime, earliestStoreTime, async ({ topic, queueId }, request) => {
      const timestamp = await store.earliestMessageTime(topic, queueId);
      return answer(request, Requests.getEarliestMsgStoretime, { timestamp });
    }),
    row(Requests.getAllDelayOffset, (_fields, request) => ok(request, Buffer.from(delay.encodeOffsets()))),
    row(Requests.getAllConsumerOffset, (_fields, request) => ok(request, Buffer.from(offsets.encode()))),
  ];
}
