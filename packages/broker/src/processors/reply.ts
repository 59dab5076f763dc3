import {
  createRequest,
  createResponse,
  decodeFields,
  decodeProperties,
  encodeProperties,
  hostToString,
  isOneway,
  PropertyName,
  type RemotingCommand,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { Connection, Processor } from '@rocketnest/remoting';
import type { PutResult, StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { OVERLOAD } from '../send-gate.js';
import { checkSend, queueFor, Refusal, type SendFields } from './message-check.js';
import { bodyOf, type ProcessorRow } from './row.js';
import { sendOutcomes } from './send-result.js';

type Request = Parameters<Processor>[0];

/** How long the requester may take to accept its reply (`Broker2Client.callClient`). */
const PUSH_TIMEOUT_MS = 10_000;

/**
 * SEND_REPLY_MESSAGE and its short form: the answer to a request message. It is pushed to the client that asked, which is
 * connected to this broker too, and kept in the reply topic (`ReplyMessageProcessor`).
 */
export function replyProcessors(context: BrokerContext): readonly ProcessorRow[] {
  return [Requests.sendReplyMessage, Requests.sendReplyMessageV2].map((definition) => [
    definition.code,
    (request, connection) =>
      reply(context, decodeFields(definition.fields, request.extFields, definition.name), request, connection),
  ]);
}

async function reply(
  context: BrokerContext,
  fields: SendFields,
  request: Request,
  connection: Connection,
): Promise<RemotingCommand | undefined> {
  const { options, underWay } = context;
  const common = {
    [PropertyName.MSG_REGION]: options.regionId,
    [PropertyName.TRACE_SWITCH]: String(options.traceOn),
  };
  const refuse = (code: number, remark: string): RemotingCommand => createResponse(request, code, remark, common);

  if (underWay.replies >= options.replyThreadPoolQueueCapacity) return refuse(ResponseCode.SYSTEM_BUSY, OVERLOAD);
  const topic = checkSend(context, fields, connection);
  if (topic instanceof Refusal) return refuse(topic.code, topic.remark);
  const properties = decodeProperties(fields.properties ?? '');
  const queueId = queueFor(fields, topic);

  underWay.replies++;
  try {
    const failure = await push(context, fields, properties, request, connection);
    let stored: PutResult | undefined;
    if (options.storeReplyMessageEnable) {
      stored = await put(context, {
        topic: fields.topic,
        queueId,
        body: bodyOf(request),
        flag: fields.flag,
        properties,
        propertiesData: Buffer.from(fields.properties ?? ''),
        sysFlag: fields.sysFlag,
        bornTimestamp: fields.bornTimestamp,
        bornHost: connection.remoteHost,
        storeHost: context.storeHost,
        reconsumeTimes: fields.reconsumeTimes ?? 0,
        preparedTransactionOffset: 0,
      });
    }
    if (isOneway(request)) return undefined;
    if (failure !== undefined) return refuse(ResponseCode.SYSTEM_ERROR, failure);
    return createResponse(request, ResponseCode.SUCCESS, null, {
      ...common,
      // A reply that is pushed but not kept has no id; clients want one.
      msgId: stored?.msgIds || '0',
      queueId: String(queueId),
      queueOffset: String(Math.max(0, stored?.queueOffset ?? 0)),
    });
  } finally {
    underWay.replies--;
  }
}

/** Hands the reply to the client that asked. @returns what went wrong */
async function push(
  context: BrokerContext,
  fields: SendFields,
  properties: Record<string, string>,
  request: Request,
  connection: Connection,
): Promise<string | undefined> {
  const { producers, logger, clock } = context;
  const clientId = properties[PropertyName.MESSAGE_REPLY_TO_CLIENT];
  if (clientId === undefined) return `reply message properties[${PropertyName.MESSAGE_REPLY_TO_CLIENT}] is null`;
  const requester = producers.connectionOf(clientId);
  if (requester === undefined) return `push reply message fail, channel of <${clientId}> not found.`;
  properties[PropertyName.PUSH_REPLY_TIME] = String(clock.now());
  const command = createRequest(
    Requests.pushReplyMessageToClient,
    {
      producerGroup: fields.producerGroup,
      topic: fields.topic,
      defaultTopic: fields.defaultTopic,
      defaultTopicQueueNums: fields.defaultTopicQueueNums,
      queueId: fields.queueId,
      sysFlag: fields.sysFlag,
      bornTimestamp: fields.bornTimestamp,
      flag: fields.flag,
      properties: encodeProperties(properties),
      reconsumeTimes: fields.reconsumeTimes,
      unitMode: fields.unitMode === true,
      bornHost: hostToString(connection.remoteHost),
      storeHost: hostToString(context.storeHost),
      storeTimestamp: clock.now(),
    },
    request.body,
  );
  try {
    const accepted = await requester.request(command, { timeoutMs: PUSH_TIMEOUT_MS });
    if (accepted.code === ResponseCode.SUCCESS) return undefined;
    logger.warn('a reply was not accepted', { clientId, code: accepted.code, remark: accepted.remark });
  } catch (error) {
    logger.warn('a reply could not be pushed', { clientId, error });
  }
  return `push reply message to ${clientId} fail.`;
}

async function put(context: BrokerContext, message: StoreMessage): Promise<PutResult> {
  const result = await new Promise<PutResult>((done) => context.putMessage(message, done));
  const outcome = sendOutcomes(context.options)[result.status];
  const { topic, queueId } = message;
  if (outcome.stored) context.stats.put(topic, queueId, result.messageCount, result.bytes);
  else context.logger.warn('a reply was not stored', { topic, remark: outcome.remark });
  return result;
}
