import {
  createResponse,
  decodeFields,
  isReadable,
  PullSysFlag,
  parseSubscription,
  type RemotingCommand,
  RequestCode,
  type RequestFields,
  Requests,
  ResponseCode,
  type SubscriptionData,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import { type GetResult, GetStatus, type MessageFilter } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import type { Predicate } from '../filter/expressions.js';
import { isTagExpression, noFilterBy } from '../filters.js';
import type { HeldPull } from '../pull-hold.js';
import { OVERLOAD } from '../send-gate.js';
import { pullLogicQueue } from '../static-topic/pull.js';
import { createSubscriptionInquiry } from '../subscription-inquiry.js';
import { FAQ_HINT, type ProcessorRow, refuse, row } from './row.js';

type PullFields = RequestFields<typeof Requests.pullMessage>;

/** Who forbids a pull, in the response field of that name (`ForbiddenType`). */
const ForbiddenType = { BROKER: '1', GROUP: '2', TOPIC: '3', BROADCASTING_DISABLED: '4', SUBSCRIPTION: '5' } as const;

/** A reset offset is answered like a moved one; the store does not know it (`GetMessageStatus.OFFSET_RESET`). */
const OFFSET_RESET = 'OFFSET_RESET';
type PullStatus = GetStatus | typeof OFFSET_RESET;

/** What a pull is answered with, without the messages (`PullMessageProcessor.composeResponseHeader`). */
const responseCodes: Readonly<Record<PullStatus, number>> = {
  FOUND: ResponseCode.SUCCESS,
  MESSAGE_WAS_REMOVING: ResponseCode.PULL_RETRY_IMMEDIATELY,
  NO_MATCHED_MESSAGE: ResponseCode.PULL_RETRY_IMMEDIATELY,
  // For a pull from 0 these two mean "nothing there yet", see responseCodeOf.
  NO_MATCHED_LOGIC_QUEUE: ResponseCode.PULL_OFFSET_MOVED,
  NO_MESSAGE_IN_QUEUE: ResponseCode.PULL_OFFSET_MOVED,
  OFFSET_FOUND_NULL: ResponseCode.PULL_NOT_FOUND,
  OFFSET_OVERFLOW_ONE: ResponseCode.PULL_NOT_FOUND,
  OFFSET_OVERFLOW_BADLY: ResponseCode.PULL_OFFSET_MOVED,
  OFFSET_TOO_SMALL: ResponseCode.PULL_OFFSET_MOVED,
  OFFSET_RESET: ResponseCode.PULL_OFFSET_MOVED,
};

function responseCodeOf(status: PullStatus, requestedOffset: number): number {
  const emptyQueue = status === GetStatus.NO_MATCHED_LOGIC_QUEUE || status === GetStatus.NO_MESSAGE_IN_QUEUE;
  return emptyQueue && requestedOffset === 0 ? ResponseCode.PULL_NOT_FOUND : responseCodes[status];
}

/** PULL_MESSAGE and LITE_PULL_MESSAGE (`PullMessageProcessor`). */
export function pullProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const inquire = createSubscriptionInquiry(context);
  return [Requests.pullMessage, Requests.litePullMessage].map((definition) =>
    row(definition, (fields, request, connection) => {
      const answer = (): ReturnType<typeof pull> => pull(context, fields, request, connection, true);
      const first = answer();
      if (first === undefined || first instanceof Promise || !NOT_LATEST.has(first.code)) return first;
      return inquire(fields.consumerGroup, connection).then((known) => (known ? answer() : first));
    }),
  );
}

/** The pull has a newer subscription than the last heartbeat of its consumer. */
const NOT_LATEST: ReadonlySet<number> = new Set([
  ResponseCode.SUBSCRIPTION_NOT_LATEST,
  ResponseCode.FILTER_DATA_NOT_LATEST,
]);

/** Runs a held pull again; this time it is answered whatever it finds. */
export function retryPull(context: BrokerContext, { request, connection }: HeldPull): void {
  const answered = (response: RemotingCommand | undefined): void => {
    if (response !== undefined) connection.respond(response);
  };
  try {
    const { fields, name } = Requests.pullMessage;
    const decoded = decodeFields(fields, request.extFields, name);
    const response = pull(context, decoded, request, connection, false);
    if (response instanceof Promise) response.then(answered, failed);
    else answered(response);
  } catch (error) {
    failed(error);
  }

  function failed(error: unknown): void {
    context.logger.error('a held pull failed', { error });
    connection.respond(refuse(request, ResponseCode.SYSTEM_ERROR, `pull failed: ${String(error)}`));
  }
}

/** One pull that passed all checks. */
interface Pull {
  readonly fields: PullFields;
  readonly request: RemotingCommand;
  readonly connection: Connection;
  readonly topic: TopicConfig;
  readonly group: SubscriptionGroupConfig;
  readonly filter: MessageFilter;
  /** Clock time at which it came, or was woken. */
  readonly startedAt: number;
  /** False when it was held before. */
  readonly maySuspend: boolean;
}

function pull(
  context: BrokerContext,
  fields: PullFields,
  request: RemotingCommand,
  connection: Connection,
  maySuspend: boolean,
): RemotingCommand | undefined | Promise<RemotingCommand | undefined> {
  const { options, groups, topics, offsets, store, underWay, staticTopics } = context;
  const logic = staticTopics.queueOf(fields);
  if (logic !== undefined) {
    return pullLogicQueue(context, logic, fields, request, (physical) =>
      pull(context, physical, request, connection, maySuspend),
    );
  }
  const name = fields.consumerGroup;
  if (!isReadable(options.brokerPermission)) {
    return forbid(request, ForbiddenType.BROKER, `the broker[${options.brokerIP1}] pulling message is forbidden`);
  }
  if (request.code === RequestCode.LITE_PULL_MESSAGE && !options.litePullMessageEnable) {
    return forbid(
      request,
      ForbiddenType.BROKER,
      `the broker[${options.brokerIP1}] for lite pull consumer is forbidden`,
    );
  }
  const group = groups.find(name);
  if (group === undefined) {
    return refuse(
      request,
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${name}] does not exist, ${FAQ_HINT}`,
    );
  }
  if (!group.consumeEnable) {
    return forbid(request, ForbiddenType.GROUP, `subscription group no permission, ${name}`);
  }
  const topic = topics.get(fields.topic);
  if (topic === undefined) {
    return refuse(
      request,
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${fields.topic}] not exist, apply first please! ${FAQ_HINT}`,
    );
  }
  if (!isReadable(topic.perm)) {
    return forbid(request, ForbiddenType.TOPIC, `the topic[${fields.topic}] pulling message is forbidden`);
  }
  if (fields.queueId < 0 || fields.queueId >= topic.readQueueNums) {
    return refuse(
      request,
      ResponseCode.INVALID_PARAMETER,
      `queueId[${fields.queueId}] is illegal, topic:[${fields.topic}] topicConfig.readQueueNums:[${topic.readQueueNums}] ` +
        `consumer:[${connection.remoteAddress}]`,
    );
  }
  const filter = subscribed(context, fields, request, connection, group);
  if ('code' in filter) return filter;

  const checked: Pull = {
    fields,
    request,
    connection,
    topic,
    group,
    filter,
    startedAt: context.clock.now(),
    maySuspend,
  };
  const reset = offsets.takeReset(name, fields.topic, fields.queueId);
  if (reset !== undefined && options.useServerSideResetOffset) {
    return answer(context, checked, {
      status: OFFSET_RESET,
      pieces: [],
      messageCount: 0,
      bytes: 0,
      nextBeginOffset: reset,
      minOffset: store.minOffset(fields.topic, fields.queueId),
      maxOffset: store.maxOffset(fields.topic, fields.queueId),
    });
  }
  if (underWay.pulls >= options.pullThreadPoolQueueCapacity) return refuse(request, ResponseCode.SYSTEM_BUSY, OVERLOAD);
  const found = store.get(
    fields.topic,
    fields.queueId,
    fields.queueOffset,
    fields.maxMsgNums,
    options.maxTransferBytesOnMessageInMemory,
    filter,
  );
  if (!(found instanceof Promise)) return answer(context, checked, found);
  underWay.pulls++;
  return found
    .finally(() => {
      underWay.pulls--;
    })
    .then((result) => answer(context, checked, result));
}

/** What a pull takes: by its own subscription when it brings one, else by what its group's heartbeats said. Or the refusal. */
function subscribed(
  context: BrokerContext,
  fields: PullFields,
  request: RemotingCommand,
  connection: Connection,
  settings: SubscriptionGroupConfig,
): MessageFilter | RemotingCommand {
  const { consumers, groups, options, filters } = context;
  const name = fields.consumerGroup;
  const group = consumers.group(name);
  let subscription: SubscriptionData;
  let matches: Predicate | undefined;
  if ((fields.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0) {
    try {
      subscription = parseSubscription(fields.topic, fields.subscription ?? '', fields.expressionType);
      consumers.rememberPull(name, subscription);
      if (!isTagExpression(subscription.expressionType)) {
        matches = filters.compile(subscription.expressionType, subscription.subString);
      }
    } catch {
      return refuse(request, ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
    }
  } else {
    if (group === undefined) {
      return refuse(request, ResponseCode.SUBSCRIPTION_NOT_EXIST, `the consumer's group info not exist${FAQ_HINT}`);
    }
    if (!settings.consumeBroadcastEnable && group.isBroadcasting) {
      return forbid(
        request,
        ForbiddenType.BROADCASTING_DISABLED,
        `the consumer group[${name}] can not consume by broadcast way`,
      );
    }
    if (groups.isReadForbidden(name, fields.topic)) {
      return forbid(
        request,
        ForbiddenType.SUBSCRIPTION,
        `the consumer group[${name}] is forbidden for topic[${fields.topic}]`,
      );
    }
    const known = group.subscriptions.get(fields.topic);
    if (known === undefined) {
      return refuse(request, ResponseCode.SUBSCRIPTION_NOT_EXIST, `the consumer's subscription not exist${FAQ_HINT}`);
    }
    subscription = known;
    if (subscription.subVersion < fields.subVersion) {
      return refuse(request, ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
    }
    if (!isTagExpression(subscription.expressionType)) {
      const filter = filters.get(fields.topic, name);
      if (filter === undefined) {
        return refuse(
          request,
          ResponseCode.FILTER_DATA_NOT_EXIST,
          "The broker's consumer filter data is not exist!Your expression may be wrong!",
        );
      }
      if (filter.clientVersion < fields.subVersion) {
        return refuse(request, ResponseCode.FILTER_DATA_NOT_LATEST, "the consumer's consumer filter data not latest");
      }
      matches = filter.matches;
    }
  }
  if (!isTagExpression(subscription.expressionType) && !options.enablePropertyFilter) {
    return refuse(request, ResponseCode.SYSTEM_ERROR, noFilterBy(subscription.expressionType));
  }
  if (options.rejectPullConsumerEnable && group?.members.has(connection) !== true) {
    return refuse(
      request,
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      `the consumer's group info not exist, or the pull consumer is rejected by server.${FAQ_HINT}`,
    );
  }
  return filters.messageFilter(subscription, matches);
}

/** Composes the answer, or holds the pull when there is nothing to answer yet (`DefaultPullMessageResultHandler`). */
function answer(
  context: BrokerContext,
  checked: Pull,
  result: Omit<GetResult, 'status' | 'buffers'> & { status: PullStatus },
): RemotingCommand | undefined | Promise<RemotingCommand | undefined> {
  const { fields, request, connection, topic, group, maySuspend } = checked;
  const { clock, offsets, stats, store } = context;
  const { consumerGroup, queueId, queueOffset } = fields;
  offsets.commitPulled(consumerGroup, fields.topic, queueId, result.nextBeginOffset);
  // What the pull commits is from before the reset, and must not undo it (in Java it does, until the client commits again).
  const committing = maySuspend && (fields.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0;
  if (committing && result.status !== OFFSET_RESET) {
    offsets.commit(consumerGroup, fields.topic, queueId, fields.commitOffset);
  }
  const code = responseCodeOf(result.status, queueOffset);
  const elapsedMs = clock.now() - checked.startedAt;
  stats.looked(result.messageCount, elapsedMs);
  if (code === ResponseCode.SUCCESS) {
    stats.got(consumerGroup, fields.topic, result.messageCount, result.bytes);
    stats.getTook(consumerGroup, fields.topic, queueId, elapsedMs);
  }
  if (code === ResponseCode.PULL_NOT_FOUND && maySuspend && (fields.sysFlag & PullSysFlag.SUSPEND) !== 0) {
    // Messages may have arrived while the store was reading files; nobody would wake this pull for them.
    const grown = store.maxOffset(fields.topic, queueId) > Math.max(queueOffset, result.maxOffset);
    if (!grown && hold(context, checked)) return undefined;
    if (grown) return pull(context, fields, request, connection, false);
  }
  if (code === ResponseCode.PULL_OFFSET_MOVED) {
    context.logger.warn('pull offset corrected', {
      topic: fields.topic,
      group: consumerGroup,
      queueId,
      requestOffset: queueOffset,
      newOffset: result.nextBeginOffset,
      status: result.status,
    });
  }
  return createResponse(
    request,
    code,
    result.status,
    {
      suggestWhichBrokerId: '0',
      nextBeginOffset: String(result.nextBeginOffset),
      minOffset: String(result.minOffset),
      maxOffset: String(result.maxOffset),
      topicSysFlag: String(topic.topicSysFlag),
      groupSysFlag: String(group.groupSysFlag),
    },
    result.pieces.length === 0 ? null : result.pieces,
  );
}

function hold(context: BrokerContext, { fields, request, connection, filter }: Pull): boolean {
  const { options, clock, pullHold } = context;
  const waitMs = options.longPollingEnable ? fields.suspendTimeoutMillis : options.shortPollingTimeMills;
  return pullHold.hold(fields.topic, fields.queueId, {
    request,
    connection,
    offset: fields.queueOffset,
    deadline: clock.now() + waitMs,
    filter,
  });
}

const forbid = (request: RemotingCommand, forbiddenType: string, remark: string): RemotingCommand =>
  refuse(request, ResponseCode.NO_PERMISSION, remark, { forbiddenType });
