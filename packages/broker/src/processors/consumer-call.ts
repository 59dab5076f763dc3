import {
  createRequest,
  createResponse,
  decodeOffsetMsgId,
  encodeGetConsumerStatusBody,
  type GetConsumerStatusBody,
  parseGetConsumerStatusBody,
  type RemotingCommand,
  Requests,
  ResponseCode,
  TimeoutError,
  versionName,
} from '@rocketnest/protocol';
import type { ClientInfo } from '../clients.js';
import type { BrokerContext } from '../context.js';
import { ok, type ProcessorRow, refuse, row } from './row.js';

/** Ordinals of `MQVersion.Version`: what a client must at least be to know the requests below. */
const V3_0_7_SNAPSHOT = 28;
const V3_1_8_SNAPSHOT = 62;

/** How long a consumer may take to answer (`Broker2Client.callClient`, `getConsumeStatus`). */
const CALL_TIMEOUT_MS = 10_000;
const STATUS_TIMEOUT_MS = 5_000;

/** Requests of an administrator that only a consumer can answer: the broker passes them on (`Broker2Client`). */
export function consumerCallProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { consumers, topics, groups, store, options } = context;
  return [
    row(Requests.getConsumerRunningInfo, ({ consumerGroup, clientId }, request) =>
      callConsumer(context, request, consumerGroup, clientId),
    ),

    row(Requests.consumeMessageDirectly, async ({ consumerGroup, clientId, msgId, topic }, request) => {
      const refused = (reason: string) => refuse(request, ResponseCode.SYSTEM_ERROR, reason);
      if (msgId === undefined)
        return refused('CONSUME_MESSAGE_DIRECTLY needs msgId, the offset message id of a message here');
      const { commitLogOffset } = decodeOffsetMsgId(msgId);
      const message = await store.messageAt(commitLogOffset);
      if (message === null) return refused(`can not find message by the offset, ${commitLogOffset}`);
      const { extFields } = request;
      extFields['brokerName'] = options.brokerName;
      const topicSysFlag = topic === undefined ? undefined : topics.get(topic)?.topicSysFlag;
      if (topicSysFlag !== undefined) extFields['topicSysFlag'] = String(topicSysFlag);
      const groupSysFlag = groups.find(consumerGroup)?.groupSysFlag;
      if (groupSysFlag !== undefined) extFields['groupSysFlag'] = String(groupSysFlag);
      return callConsumer(context, { ...request, body: message }, consumerGroup, clientId);
    }),

    row(Requests.invokeBrokerToGetConsumerStatus, async ({ topic, group, clientAddr }, request) => {
      const members = consumers.members(group);
      if (members.length === 0) {
        return refuse(request, ResponseCode.SYSTEM_ERROR, `No Any Consumer online in the consumer group: [${group}]`);
      }
      const tooOld = members.find(({ version }) => version < V3_0_7_SNAPSHOT);
      if (tooOld !== undefined) {
        return refuse(
          request,
          ResponseCode.SYSTEM_ERROR,
          `the client does not support this feature. version=${versionName(tooOld.version)}`,
        );
      }
      const wanted = clientAddr?.trim() ? members.filter(({ clientId }) => clientId === clientAddr) : members;
      const answers = await Promise.all(wanted.map((member) => statusOf(context, member, topic, group)));
      const consumerTable = Object.fromEntries(answers.filter((answer) => answer !== undefined));
      return ok(request, encodeGetConsumerStatusBody({ consumerTable }));
    }),
  ];
}

/** Passes a request on to one consumer and its answer back (`AdminBrokerProcessor.callConsumer`). */
async function callConsumer(
  { consumers }: BrokerContext,
  request: RemotingCommand,
  group: string,
  clientId: string | undefined,
): Promise<RemotingCommand> {
  const refused = (remark: string, code: number = ResponseCode.SYSTEM_ERROR) => refuse(request, code, remark);
  const client = consumers.members(group).find((member) => member.clientId === clientId);
  if (client === undefined) return refused(`The Consumer <${group}> <${clientId}> not online`);
  if (client.version < V3_1_8_SNAPSHOT) {
    return refused(
      `The Consumer <${clientId}> Version <${versionName(client.version)}> too low to finish, please upgrade it to V3_1_8_SNAPSHOT`,
    );
  }
  const call = { ...request, flag: 0, remark: null };
  try {
    const { code, remark, extFields, body } = await client.connection.request(call, { timeoutMs: CALL_TIMEOUT_MS });
    return createResponse(request, code, remark, extFields, body);
  } catch (error) {
    const reason = (error as Error).message;
    return error instanceof TimeoutError
      ? refused(`consumer <${group}> <${clientId}> Timeout: ${reason}`, ResponseCode.CONSUME_MSG_TIMEOUT)
      : refused(`invoke consumer <${group}> <${clientId}> Exception: ${reason}`);
  }
}

type ClientOffsets = GetConsumerStatusBody['messageQueueTable'];

/** Where one consumer is; undefined when it does not say. One silent consumer does not spoil the answer of the others. */
async function statusOf(
  { logger }: BrokerContext,
  { connection, clientId }: ClientInfo,
  topic: string,
  group: string,
): Promise<readonly [clientId: string, ClientOffsets] | undefined> {
  try {
    const call = createRequest(Requests.getConsumerStatusFromClient, { topic, group });
    const { code, body } = await connection.request(call, { timeoutMs: STATUS_TIMEOUT_MS });
    if (code !== ResponseCode.SUCCESS || body === null) return undefined;
    return [clientId, parseGetConsumerStatusBody(body).messageQueueTable];
  } catch (error) {
    logger.error('a consumer did not tell its offsets', { topic, group, clientId, error });
    return undefined;
  }
}
