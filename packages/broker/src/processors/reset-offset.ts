import {
  createRequest,
  encodeResetOffsetBody,
  encodeResetOffsetBodyForC,
  type MessageQueue,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
  versionName,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { ok, type ProcessorRow, refuse, row } from './row.js';

type Fields = RequestFields<typeof Requests.invokeBrokerToResetOffset>;
type NewOffset = { readonly queue: MessageQueue; readonly offset: number };

/** Ordinal of `MQVersion.Version.V3_0_7_SNAPSHOT`: older clients do not know RESET_CONSUMER_CLIENT_OFFSET. */
const V3_0_7_SNAPSHOT = 28;
/** A timestamp that means "behind the last message". */
const NOW = -1;

/**
 * INVOKE_BROKER_TO_RESET_OFFSET (`AdminBrokerProcessor.resetOffset`): moves a group to another place of a topic. With
 * `useServerSideResetOffset` the broker keeps the new offsets and every consumer of the group meets them on its next pull,
 * now or whenever it comes back; else the connected consumers are told to move.
 */
export function resetOffsetProcessors(context: BrokerContext): readonly ProcessorRow[] {
  return [
    row(Requests.invokeBrokerToResetOffset, (fields, request) =>
      context.options.useServerSideResetOffset
        ? resetHere(context, fields, request)
        : resetClients(context, fields, request),
    ),
  ];
}

/** Java: `resetOffsetInner`. One queue when `queueId` names one, to `offset` if that is given; else all queues, by time. */
async function resetHere(context: BrokerContext, fields: Fields, request: RemotingCommand): Promise<RemotingCommand> {
  const { options, topics, groups, offsets, store, pullHold } = context;
  const { topic: name, group, queueId, offset } = fields;
  const topic = topics.get(name);
  if (topic === undefined) return refuse(request, ResponseCode.TOPIC_NOT_EXIST, `Topic ${name} does not exist`);
  if (!groups.has(group)) {
    return refuse(request, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} does not exist`);
  }
  const queue = (id: number): MessageQueue => ({ topic: name, brokerName: options.brokerName, queueId: id });
  const moved: NewOffset[] = [];
  if (queueId >= 0 && offset !== undefined && offset !== -1) {
    const min = store.minOffset(name, queueId);
    const max = store.maxOffset(name, queueId);
    if (offset < min || offset > max + 1) {
      return refuse(
        request,
        ResponseCode.SYSTEM_ERROR,
        `Target offset ${offset} not in consume queue range [${min}-${max}]`,
      );
    }
    moved.push({ queue: queue(queueId), offset });
  } else {
    const queueIds = queueId >= 0 ? [queueId] : [...Array(topic.readQueueNums).keys()];
    for (const id of queueIds)
      moved.push({ queue: queue(id), offset: await offsetAt(context, name, id, fields.timestamp) });
  }
  if (moved.length === 0) return refuse(request, ResponseCode.SYSTEM_ERROR, 'No queues to reset.');
  for (const { queue, offset } of moved) {
    offsets.reset(group, name, queue.queueId, offset);
    pullHold.wakeGroup(name, queue.queueId, group);
  }
  context.logger.info('offsets reset', {
    topic: name,
    group,
    offsets: moved.map(({ queue, offset }) => [queue.queueId, offset]),
  });
  return ok(request, encodeResetOffsetBody({ offsetTable: moved }));
}

/** Java: `Broker2Client.resetOffset`. Never moves forward unless forced. */
async function resetClients(
  context: BrokerContext,
  fields: Fields,
  request: RemotingCommand,
): Promise<RemotingCommand> {
  const { options, topics, offsets, consumers } = context;
  const { topic: name, group, timestamp, isForce } = fields;
  const topic = topics.get(name);
  if (topic === undefined) {
    return refuse(
      request,
      ResponseCode.TOPIC_NOT_EXIST,
      `[reset-offset] reset offset failed, no topic in this broker. topic=${name}`,
    );
  }
  const moved: NewOffset[] = [];
  for (let queueId = 0; queueId < topic.writeQueueNums; queueId++) {
    const committed = offsets.query(group, name, queueId);
    if (committed === -1) {
      return refuse(request, ResponseCode.SYSTEM_ERROR, `THe consumer group <${group}> not exist`);
    }
    const target = await offsetAt(context, name, queueId, timestamp);
    moved.push({
      queue: { topic: name, brokerName: options.brokerName, queueId },
      offset: isForce || target < committed ? target : committed,
    });
  }
  const members = consumers.members(group);
  if (members.length === 0) {
    return refuse(
      request,
      ResponseCode.CONSUMER_NOT_ONLINE,
      `Consumer not online, so can not reset offset, Group: ${group} Topic: ${name} Timestamp: ${timestamp}`,
    );
  }
  // The format follows the administrator's language, not the consumer's: a C++ tool is used with C++ consumers.
  const body =
    request.language === 'CPP'
      ? encodeResetOffsetBodyForC({ offsetTable: moved.map(({ queue, offset }) => ({ ...queue, offset })) })
      : encodeResetOffsetBody({ offsetTable: moved });
  for (const { connection, version, clientId } of members) {
    if (version < V3_0_7_SNAPSHOT) {
      return refuse(
        request,
        ResponseCode.SYSTEM_ERROR,
        `the client does not support this feature. version=${versionName(version)}`,
      );
    }
    try {
      connection.sendOneway(
        createRequest(Requests.resetConsumerClientOffset, { topic: name, group, timestamp, isForce: false }, body),
      );
    } catch (error) {
      context.logger.error('a consumer was not told to reset its offsets', { group, topic: name, clientId, error });
    }
  }
  return ok(request, encodeResetOffsetBody({ offsetTable: moved }));
}

async function offsetAt({ store }: BrokerContext, topic: string, queueId: number, timestamp: number): Promise<number> {
  const offset =
    timestamp <= NOW ? store.maxOffset(topic, queueId) : await store.offsetByTimestamp(topic, queueId, timestamp);
  return Math.max(0, offset);
}
