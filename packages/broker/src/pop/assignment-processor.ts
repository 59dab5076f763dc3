import {
  encodeQueryAssignmentResponse,
  isRetryTopic,
  type MessageQueue,
  parseQueryAssignmentRequest,
  parseSetMessageRequestModeRequest,
  type QueryAssignmentRequest,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { ok, type ProcessorRow, parseBody, refuse, row } from '../processors/row.js';
import { allocate, allocateForPop } from './allocation.js';
import type { RequestModes } from './request-modes.js';
import type { TopicQueues } from './topic-queues.js';

interface Parts {
  readonly context: BrokerContext;
  readonly modes: RequestModes;
  readonly queues: TopicQueues;
}

/**
 * QUERY_ASSIGNMENT, SET_MESSAGE_REQUEST_MODE, GET_ALL_MESSAGE_REQUEST_MODE: the broker says which queues a member of a group
 * consumes, and whether it pulls or pops them (`QueryAssignmentProcessor`).
 */
export const assignmentProcessors = (parts: Parts): readonly ProcessorRow[] => [
  row(Requests.queryAssignment, async (_fields, request) => {
    const asked = parseBody(request, Requests.queryAssignment, parseQueryAssignmentRequest);
    const { mode } = parts.modes.get(asked.topic, asked.consumerGroup);
    const queues = await assign(parts, asked);
    // Without a list the client keeps what it has; an empty list takes everything from it.
    return ok(
      request,
      queues === null
        ? Buffer.from('{}')
        : encodeQueryAssignmentResponse({
            messageQueueAssignments: unique(queues).map((messageQueue) => ({ messageQueue, mode })),
          }),
    );
  }),
  row(Requests.setMessageRequestMode, async (_fields, request) => {
    const mode = parseBody(request, Requests.setMessageRequestMode, parseSetMessageRequestModeRequest);
    const { topics, groups } = parts.context;
    if (isRetryTopic(mode.topic)) {
      return refuse(request, ResponseCode.NO_PERMISSION, 'retry topic is not allowed to set mode');
    }
    if (!topics.has(mode.topic)) return refuse(request, ResponseCode.TOPIC_NOT_EXIST, `topic[${mode.topic}] not exist`);
    if (groups.find(mode.consumerGroup) === undefined) {
      return refuse(request, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'subscription group does not exist');
    }
    parts.modes.set(mode);
    await parts.modes.file.save();
    return ok(request);
  }),
  row(Requests.getAllMessageRequestMode, (_fields, request) => ok(request, Buffer.from(parts.modes.encode()))),
];

/** Null: no assignment can be made, the client is to keep what it has. */
async function assign(
  { context, modes, queues }: Parts,
  { topic, consumerGroup, clientId, strategyName, messageModel }: QueryAssignmentRequest,
): Promise<readonly MessageQueue[] | null> {
  const all = await queues.of(topic);
  if (all === null || messageModel === 'BROADCASTING' || !context.options.serverLoadBalancerEnable) return all;
  const group = context.consumers.group(consumerGroup);
  if (group === undefined) {
    context.logger.warn('no assignment: the group has no members yet', { topic, group: consumerGroup });
    return null;
  }
  const members = group.clientIds.sort();
  const { mode, popShareQueueNum } = modes.get(topic, consumerGroup);
  const mine =
    mode === 'POP'
      ? allocateForPop(strategyName, all, members, clientId, popShareQueueNum)
      : allocate(strategyName, all, members, clientId);
  if (mine === null) context.logger.warn('no assignment: unknown strategy', { strategyName, group: consumerGroup });
  return mine;
}

/** Pop names a broker once per queue; the client wants a set. */
const unique = (queues: readonly MessageQueue[]): MessageQueue[] => [
  ...new Map(queues.map((queue) => [`${queue.brokerName}@${queue.queueId}`, queue])).values(),
];
