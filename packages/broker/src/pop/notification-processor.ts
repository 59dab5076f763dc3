import {
  parseSubscription,
  popRetryTopic,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import type { MessageFilter } from '@rocketnest/store';
import { filterOf, isTagExpression } from '../filters.js';
import { answer, type ProcessorRow, refuse, row } from '../processors/row.js';
import { accessOf, isRefusal } from './access.js';
import { retryTopicOf } from './names.js';
import type { PopParts } from './parts.js';
import { nextOffset } from './peek-processor.js';

type Fields = RequestFields<typeof Requests.notification>;

/** Entries of a queue that are tested against a filter. */
const FILTERED_ENTRIES = 32;

/** NOTIFICATION and POLLING_INFO (`NotificationProcessor`, `PollingInfoProcessor`): whether there is something to pop. */
export const notificationProcessors = (parts: PopParts): readonly ProcessorRow[] => [
  row(Requests.notification, (fields, request, connection) => notify(parts, fields, request, connection)),
  row(Requests.pollingInfo, (fields, request, connection) => {
    const access = accessOf(parts.context, fields, request, connection);
    if (isRefusal(access)) return access;
    const { topic, consumerGroup, queueId } = fields;
    return answer(request, Requests.pollingInfo, {
      pollingNum: parts.pops.count(topic, consumerGroup, Math.max(-1, queueId)),
    });
  }),
];

async function notify(
  parts: PopParts,
  given: Fields,
  request: RemotingCommand,
  connection: Connection,
): Promise<RemotingCommand | undefined> {
  const { context } = parts;
  const fields = given.bornTime === 0 ? { ...given, bornTime: context.clock.now() } : given;
  const access = accessOf(context, fields, request, connection);
  if (isRefusal(access)) return access;
  let filter: MessageFilter | undefined;
  try {
    filter = filterFor(parts, fields);
  } catch {
    return refuse(request, ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
  }
  const before = messagesEver(parts, fields);
  if (await hasMessages(parts, fields, filter)) {
    return answer(request, Requests.notification, { hasMsg: true, pollingFull: false });
  }
  const held = hold(parts, fields, request, connection, filter);
  if (held === 'HELD') {
    // What came while the queues were read has woken nobody.
    if (messagesEver(parts, fields) > before) {
      parts.notifications.wake(fields.topic, fields.consumerGroup, Math.max(-1, fields.queueId));
    }
    return undefined;
  }
  return answer(request, Requests.notification, { hasMsg: false, pollingFull: held === 'FULL' });
}

function hold(
  parts: PopParts,
  fields: Fields,
  request: RemotingCommand,
  connection: Connection,
  filter: MessageFilter | undefined,
): 'HELD' | 'FULL' | 'TIMEOUT' {
  if (fields.pollTime <= 0) return 'TIMEOUT';
  const retry = async (): Promise<void> => {
    try {
      const response = await notify(parts, fields, request, connection);
      if (response !== undefined) connection.respond(response);
    } catch (error) {
      parts.context.logger.error('held notification failed', { topic: fields.topic, error });
      connection.respond(refuse(request, ResponseCode.SYSTEM_ERROR, `notification failed: ${String(error)}`));
    }
  };
  return parts.notifications.hold({
    topic: fields.topic,
    group: fields.consumerGroup,
    queueId: Math.max(-1, fields.queueId),
    expiresAt: fields.bornTime + fields.pollTime,
    connection,
    filter,
    retry: () => void retry(),
    giveUp: () => connection.respond(answer(request, Requests.notification, { hasMsg: false, pollingFull: false })),
  });
}

/** Ends of all queues that a notification may be about, together: it grows with every message. */
function messagesEver({ context }: PopParts, { topic, consumerGroup: group }: Fields): number {
  const { options, topics, store } = context;
  let sum = 0;
  for (const name of [topic, retryTopicOf(options, topic, group), popRetryTopic(topic, group, 1)]) {
    const queues = topics.get(name)?.readQueueNums ?? 0;
    for (let queueId = 0; queueId < queues; queueId++) sum += store.maxOffset(name, queueId);
  }
  return sum;
}

/** @throws Error for expressions that cannot be read */
function filterFor({ context }: PopParts, { topic, exp, expType }: Fields): MessageFilter | undefined {
  if (!context.options.useMessageFilterForNotification || !exp || !expType) return undefined;
  const subscription = parseSubscription(topic, exp, expType);
  return isTagExpression(subscription.expressionType)
    ? filterOf(subscription)
    : filterOf(subscription, context.filters.compile(subscription.expressionType, subscription.subString));
}

async function hasMessages(parts: PopParts, fields: Fields, filter: MessageFilter | undefined): Promise<boolean> {
  const { options } = parts.context;
  const { topic, consumerGroup: group, queueId } = fields;
  const found =
    queueId < 0 ? await inTopic(parts, fields, topic, filter) : await inQueue(parts, fields, topic, queueId, filter);
  if (found || (await inTopic(parts, fields, retryTopicOf(options, topic, group), undefined))) return true;
  const oldName = options.enableRetryTopicV2 && options.retrieveMessageFromPopRetryTopicV1;
  return oldName && inTopic(parts, fields, popRetryTopic(topic, group, 1), undefined);
}

async function inTopic(
  parts: PopParts,
  fields: Fields,
  topic: string,
  filter: MessageFilter | undefined,
): Promise<boolean> {
  const queues = parts.context.topics.get(topic)?.readQueueNums ?? 0;
  for (let queueId = 0; queueId < queues; queueId++) {
    if (await inQueue(parts, fields, topic, queueId, filter)) return true;
  }
  return false;
}

async function inQueue(
  parts: PopParts,
  fields: Fields,
  topic: string,
  queueId: number,
  filter: MessageFilter | undefined,
): Promise<boolean> {
  const { context, order } = parts;
  const { consumerGroup: group } = fields;
  if (fields.order && order.isBlocked(fields.attemptId, fields.topic, group, queueId, 0)) return false;
  const offset = nextOffset(parts, topic, group, queueId);
  const left = context.store.maxOffset(topic, queueId) - offset;
  const isSmall = left < context.options.maxMessageFilterNumForNotification;
  if (left <= 0 || filter === undefined || !isSmall || !isTagExpression(fields.expType)) return left > 0;
  const entries = await context.store.consumeQueueEntries(topic, queueId, offset, FILTERED_ENTRIES);
  return entries.some(({ tagsCode }) => filter.matchesConsumeQueue(tagsCode));
}
