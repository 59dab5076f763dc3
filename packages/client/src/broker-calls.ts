import {
  createResponse,
  decodeFields,
  decodeMessage,
  decodeProperties,
  encodeConsumeMessageDirectlyResult,
  encodeConsumerRunningInfo,
  encodeGetConsumerStatusBody,
  type Host,
  type MessageExt,
  PropertyName,
  parseResetOffsetBody,
  type RemotingCommand,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { type Connection, type Logger, type ProcessorTable, parseAddress } from '@rocketnest/remoting';
import { bodyOf } from './broker-api.js';
import { decompressBody } from './compression.js';
import type { ConsumerRegistration, ProducerRegistration } from './registrations.js';

/** Who lives in this client: what the calls are handed to. */
export interface BrokerCallTarget {
  readonly logger: Logger;
  /** Requests that wait for a reply, by correlation id. */
  readonly replies: ReadonlyMap<string, (reply: MessageExt) => void>;
  consumer(group: string): ConsumerRegistration | undefined;
  producer(group: string): ProducerRegistration | undefined;
  allConsumers(): Iterable<ConsumerRegistration>;
}

/** The requests brokers send to clients, over the connection the client opened. Java: ClientRemotingProcessor. */
export function createBrokerCallProcessors(target: BrokerCallTarget): ProcessorTable {
  const calls = new BrokerCalls(target);
  return new Map([
    [RequestCode.CHECK_TRANSACTION_STATE, calls.checkTransactionState],
    [RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, calls.notifyConsumerIdsChanged],
    [RequestCode.RESET_CONSUMER_CLIENT_OFFSET, calls.resetOffset],
    [RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, calls.consumerStatus],
    [RequestCode.GET_CONSUMER_RUNNING_INFO, calls.consumerRunningInfo],
    [RequestCode.CONSUME_MESSAGE_DIRECTLY, calls.consumeDirectly],
    [RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, calls.receiveReply],
  ]);
}

class BrokerCalls {
  constructor(private readonly target: BrokerCallTarget) {}

  /** Oneway; the checker's answer goes back as END_TRANSACTION. */
  readonly checkTransactionState = (request: RemotingCommand, connection: Connection): void => {
    const fields = decodeFields(Requests.checkTransactionState.fields, request.extFields, 'CHECK_TRANSACTION_STATE');
    const message = decodeMessage(bodyOf(request), 0, { decompress: decompressBody });
    const group = message.properties[PropertyName.PRODUCER_GROUP];
    const producer = group === undefined ? undefined : this.target.producer(group);
    if (producer?.checkTransaction === undefined) {
      this.target.logger.warn('transaction check for a group without a checker in this process', {
        group,
        topic: message.topic,
        msgId: message.msgId,
      });
      return;
    }
    producer.checkTransaction(connection.remoteAddress, message, fields);
  };

  /** Oneway. Java rebalances every consumer of the instance, not only the group's; so do we. */
  readonly notifyConsumerIdsChanged = (request: RemotingCommand, connection: Connection): void => {
    this.target.logger.info('members of a consumer group changed', {
      group: request.extFields['consumerGroup'],
      broker: connection.remoteAddress,
    });
    for (const consumer of this.target.allConsumers()) consumer.onConsumerIdsChanged();
  };

  readonly resetOffset = async (request: RemotingCommand, connection: Connection): Promise<void> => {
    const { topic, group, timestamp } = decodeFields(
      Requests.resetConsumerClientOffset.fields,
      request.extFields,
      'RESET_CONSUMER_CLIENT_OFFSET',
    );
    this.target.logger.info('broker resets offsets', { topic, group, timestamp, broker: connection.remoteAddress });
    const body = bodyOf(request);
    const consumer = this.target.consumer(group);
    if (consumer === undefined || body.length === 0) return;
    await consumer.resetOffset(topic, parseResetOffsetBody(body).offsetTable);
  };

  readonly consumerStatus = (request: RemotingCommand): RemotingCommand => {
    const { topic, group } = decodeFields(
      Requests.getConsumerStatusFromClient.fields,
      request.extFields,
      'GET_CONSUMER_STATUS_FROM_CLIENT',
    );
    const offsets = this.target.consumer(group)?.consumerStatus?.(topic) ?? [];
    return createResponse(
      request,
      ResponseCode.SUCCESS,
      null,
      {},
      encodeGetConsumerStatusBody({ messageQueueTable: offsets }),
    );
  };

  readonly consumerRunningInfo = async (request: RemotingCommand): Promise<RemotingCommand> => {
    const { consumerGroup, jstackEnable } = decodeFields(
      Requests.getConsumerRunningInfo.fields,
      request.extFields,
      'GET_CONSUMER_RUNNING_INFO',
    );
    const consumer = this.target.consumer(consumerGroup);
    if (consumer === undefined) return this.noSuchGroup(request, consumerGroup);
    return createResponse(
      request,
      ResponseCode.SUCCESS,
      null,
      {},
      encodeConsumerRunningInfo(await consumer.runningInfo(jstackEnable)),
    );
  };

  readonly consumeDirectly = async (request: RemotingCommand): Promise<RemotingCommand> => {
    const { consumerGroup, brokerName } = decodeFields(
      Requests.consumeMessageDirectly.fields,
      request.extFields,
      'CONSUME_MESSAGE_DIRECTLY',
    );
    const consumer = this.target.consumer(consumerGroup);
    if (consumer === undefined) return this.noSuchGroup(request, consumerGroup);
    const message = decodeMessage(bodyOf(request), 0, { decompress: decompressBody });
    const result = await consumer.consumeDirectly(message, brokerName);
    return createResponse(request, ResponseCode.SUCCESS, null, {}, encodeConsumeMessageDirectlyResult(result));
  };

  /** The answer to a request() of a producer here; matched by correlation id. */
  readonly receiveReply = (request: RemotingCommand): RemotingCommand => {
    const fields = decodeFields(
      Requests.pushReplyMessageToClient.fields,
      request.extFields,
      'PUSH_REPLY_MESSAGE_TO_CLIENT',
    );
    const properties = decodeProperties(fields.properties ?? '');
    properties[PropertyName.REPLY_MESSAGE_ARRIVE_TIME] = String(Date.now());
    const body = bodyOf(request);
    const reply: MessageExt = {
      topic: fields.topic,
      body: decompressBody(body, fields.sysFlag),
      flag: fields.flag,
      properties,
      queueId: fields.queueId,
      queueOffset: 0,
      commitLogOffset: 0,
      storeSize: 0,
      bodyCrc: 0,
      sysFlag: fields.sysFlag,
      bornTimestamp: fields.bornTimestamp,
      bornHost: parseJavaAddress(fields.bornHost),
      storeTimestamp: fields.storeTimestamp,
      storeHost: parseJavaAddress(fields.storeHost),
      reconsumeTimes: fields.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
      msgId: properties[PropertyName.UNIQ_KEY] ?? '',
      offsetMsgId: '',
    };
    const correlationId = properties[PropertyName.CORRELATION_ID] ?? '';
    const waiting = this.target.replies.get(correlationId);
    if (waiting === undefined)
      this.target.logger.warn('a reply came that nobody waits for (any more)', { correlationId });
    else waiting(reply);
    return createResponse(request, ResponseCode.SUCCESS);
  };

  private noSuchGroup(request: RemotingCommand, group: string): RemotingCommand {
    return createResponse(
      request,
      ResponseCode.SYSTEM_ERROR,
      `The Consumer Group <${group}> not exist in this consumer`,
    );
  }
}

/** Java brokers print socket addresses as "name/10.0.0.1:5" with an often empty name. */
function parseJavaAddress(text: string): Host {
  return parseAddress(text.slice(text.lastIndexOf('/') + 1));
}
