import {
  createResponse,
  encodeFields,
  POP_ORDER_REVIVE_QUEUE,
  parseSubscription,
  popRetryTopic,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import { GetStatus, type MessageFilter } from '@rocketnest/store';
import { filterOf, isTagExpression } from '../filters.js';
import { joinNeighbours } from '../join-neighbours.js';
import { type ProcessorRow, refuse, row } from '../processors/row.js';
import { accessOf, isRefusal } from './access.js';
import { MAX_POP_MESSAGES, retryTopicOf } from './names.js';
import type { PopParts } from './parts.js';
import { PopRun } from './pop-run.js';

type Fields = RequestFields<typeof Requests.popMessage>;
type Answer = RemotingCommand | undefined;

/** A pop that waited this much longer than it wanted is not carried out any more. */
const TOO_LATE_MS = 500;
/** Pause before a pop that found nothing looks again at queues that have messages. */
const AGAIN_MS = 5;

/** POP_MESSAGE (`PopMessageProcessor`). */
export class PopProcessor {
  private pops = 0;

  constructor(
    private readonly parts: PopParts,
    /** From 0 to below 1; which queue a pop begins at, and whether at the retry topic. */
    private readonly random: () => number = Math.random,
  ) {}

  get rows(): readonly ProcessorRow[] {
    return [row(Requests.popMessage, (fields, request, connection) => this.pop(fields, request, connection))];
  }

  private async pop(given: Fields, request: RemotingCommand, connection: Connection): Promise<Answer> {
    const { context } = this.parts;
    const { options, clock } = context;
    // Held pops come here again: their time runs from their first arrival.
    const fields = given.bornTime === 0 ? { ...given, bornTime: clock.now() } : given;
    if (clock.now() - fields.bornTime - fields.pollTime > TOO_LATE_MS) {
      return refuse(
        request,
        ResponseCode.POLLING_TIMEOUT,
        `the broker[${options.brokerIP1}] pop message is timeout too much`,
      );
    }
    const wrong = this.problemOf(fields);
    if (wrong !== undefined) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
    if (!options.timerWheelEnable) {
      return refuse(
        request,
        ResponseCode.SYSTEM_ERROR,
        `the broker[${options.brokerIP1}] pop message is forbidden because timerWheelEnable is false`,
      );
    }
    const access = accessOf(context, fields, request, connection, 'pop');
    if (isRefusal(access)) return access;
    let filter: MessageFilter | undefined;
    try {
      filter = this.filterOf(fields);
    } catch (error) {
      context.logger.warn('pop expression refused', { expression: fields.exp, group: fields.consumerGroup, error });
      return refuse(request, ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
    }
    const popTime = clock.now();
    const reviveQueueId = fields.order ? POP_ORDER_REVIVE_QUEUE : this.pops++ % options.reviveQueueNum;
    const run = new PopRun(this.parts, {
      topic: fields.topic,
      group: fields.consumerGroup,
      maxMessages: fields.maxMsgNums,
      invisibleTime: fields.invisibleTime,
      initMode: fields.initMode,
      ordered: fields.order === true,
      attemptId: fields.attemptId,
      filter,
      popTime,
      reviveQueueId,
    });
    await this.popAll(run, fields, access.topic, access.group);
    await run.stored();

    const found = run.buffers.length > 0;
    const code = found ? ResponseCode.SUCCESS : this.hold(fields, request, connection, filter);
    if (run.more || (!found && run.hasMissedMessages)) this.wakeLater(fields, found);
    if (code === undefined) return undefined;
    if (found) {
      context.stats.getTook(fields.consumerGroup, fields.topic, fields.queueId, clock.now() - popTime);
    }
    return createResponse(
      request,
      code,
      found ? GetStatus.FOUND : GetStatus.NO_MESSAGE_IN_QUEUE,
      encodeFields(Requests.popMessage.response, {
        popTime,
        invisibleTime: fields.invisibleTime,
        reviveQid: reviveQueueId,
        restNum: run.rest,
        ...run.infos,
      }),
      found ? joinNeighbours(run.buffers) : null,
    );
  }

  /** Looks at the retry topic first now and then, else at last when there is room. */
  private async popAll(run: PopRun, fields: Fields, topic: TopicConfig, group: SubscriptionGroupConfig): Promise<void> {
    const { options } = this.parts.context;
    const random = Math.floor(this.random() * 100);
    const byPriority =
      topic.attributes?.['message.type'] === 'PRIORITY' &&
      !fields.order &&
      random < Number(group.attributes?.['priority.factor'] ?? 100);
    const retryFirst =
      random < (byPriority ? options.popFromRetryProbabilityForPriority : options.popFromRetryProbability);
    const first = byPriority ? 0 : random;
    // One answer can tell only one retry topic apart, so a pop looks at either the old or the new one.
    const oldRetryTopic = options.enableRetryTopicV2 && options.retrieveMessageFromPopRetryTopicV1 && random % 2 === 0;
    const retryTopic = oldRetryTopic
      ? popRetryTopic(fields.topic, fields.consumerGroup, 1)
      : retryTopicOf(options, fields.topic, fields.consumerGroup);

    if (retryFirst && !fields.order) await run.popTopic(retryTopic, first);
    if (fields.queueId < 0) await run.popTopic(fields.topic, first);
    else await run.popQueue(fields.topic, fields.queueId);
    if (!retryFirst && !fields.order && !run.isFull) await run.popTopic(retryTopic, first);
  }

  /** Holds a pop that found nothing. @returns the code to answer with, undefined when it is held */
  private hold(
    fields: Fields,
    request: RemotingCommand,
    connection: Connection,
    filter: MessageFilter | undefined,
  ): number | undefined {
    if (fields.pollTime <= 0) return ResponseCode.POLLING_TIMEOUT;
    const result = this.parts.pops.hold({
      topic: fields.topic,
      group: fields.consumerGroup,
      queueId: Math.max(-1, fields.queueId),
      expiresAt: fields.bornTime + fields.pollTime,
      connection,
      filter,
      retry: () => void this.again(fields, request, connection),
      giveUp: () => connection.respond(this.nothing(fields, request)),
    });
    if (result === 'HELD') return undefined;
    return result === 'FULL' ? ResponseCode.POLLING_FULL : ResponseCode.POLLING_TIMEOUT;
  }

  private nothing({ invisibleTime }: Fields, request: RemotingCommand): RemotingCommand {
    return createResponse(
      request,
      ResponseCode.POLLING_TIMEOUT,
      GetStatus.NO_MESSAGE_IN_QUEUE,
      encodeFields(Requests.popMessage.response, {
        popTime: this.parts.context.clock.now(),
        invisibleTime,
        reviveQid: 0,
        restNum: 0,
      }),
    );
  }

  private async again(fields: Fields, request: RemotingCommand, connection: Connection): Promise<void> {
    try {
      const response = await this.pop(fields, request, connection);
      if (response !== undefined) connection.respond(response);
    } catch (error) {
      this.parts.context.logger.error('held pop failed', { topic: fields.topic, error });
      connection.respond(refuse(request, ResponseCode.SYSTEM_ERROR, `pop failed: ${String(error)}`));
    }
  }

  /** Another pop may have what this one left. One that found nothing waits for what keeps the messages from it. */
  private wakeLater({ topic, consumerGroup, queueId }: Fields, found: boolean): void {
    setTimeout(() => this.parts.pops.wake(topic, consumerGroup, Math.max(-1, queueId)), found ? 0 : AGAIN_MS);
  }

  private problemOf(fields: Fields): string | undefined {
    const { brokerIP1, timerMaxDelaySec } = this.parts.context.options;
    if (fields.maxMsgNums > MAX_POP_MESSAGES) return `the broker[${brokerIP1}] pop message's num is greater than 32`;
    if (fields.maxMsgNums < 1) return `maxMsgNums is ${fields.maxMsgNums}: ask for 1 to ${MAX_POP_MESSAGES} messages`;
    if (fields.invisibleTime < 0) return `invisibleTime is ${fields.invisibleTime}: give milliseconds from 0 on`;
    // Its check point could not be kept.
    if (!fields.order && fields.invisibleTime > timerMaxDelaySec * 1_000) {
      return `invisibleTime is ${fields.invisibleTime} ms: the broker keeps messages invisible for up to ${timerMaxDelaySec} s`;
    }
    return undefined;
  }

  /** @throws Error for expressions that cannot be read */
  private filterOf({ topic, consumerGroup, exp, expType }: Fields): MessageFilter | undefined {
    const { consumers, filters, options } = this.parts.context;
    const retryTopic = retryTopicOf(options, topic, consumerGroup);
    const subscription = parseSubscription(topic, exp || '*', expType);
    consumers.rememberPull(consumerGroup, subscription);
    consumers.rememberPull(consumerGroup, parseSubscription(retryTopic, '*', expType));
    if (!exp) return undefined;
    return isTagExpression(subscription.expressionType)
      ? filterOf(subscription)
      : filterOf(subscription, filters.compile(subscription.expressionType, subscription.subString));
  }
}
