import {
  createResponse,
  decodeRecallHandle,
  isWriteable,
  javaHashCode,
  PropertyName,
  ProtocolError,
  type RecallHandle,
  type RequestFields,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { Connection, Processor } from '@rocketnest/remoting';
import { deleteKey, type PutResult, type StoreMessage } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { Refusal } from '../processors/message-check.js';
import { ok, type ProcessorRow, refuse, row } from '../processors/row.js';
import { sendOutcomes } from '../processors/send-result.js';

/** Tag of the message that takes another back (`RecallMessageProcessor.RECALL_MESSAGE_TAG`). */
const RECALL_TAG = '_RECALL_TAG_';
/** Engines of SWITCH_TIMER_ENGINE (`MessageConst.TIMER_ENGINE_…`). */
const ENGINE_TIME_WHEEL = 'F';
const ENGINE_ROCKSDB = 'R';

type Request = Parameters<Processor>[0];
type RecallFields = RequestFields<typeof Requests.recallMessage>;

/** Recalling timer messages (`RecallMessageProcessor`) and what administrators ask of timers (`AdminBrokerProcessor`). */
export function timerProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { options } = context;
  return [
    row(Requests.recallMessage, (fields, request, connection) => recall(context, fields, request, connection)),

    row(Requests.getTimerCheckPoint, (_fields, request) => {
      const { checkpoint } = context.timers;
      if (checkpoint === null) return refuse(request, ResponseCode.SYSTEM_ERROR, 'The checkpoint is null');
      return ok(request, checkpoint);
    }),

    row(Requests.getTimerMetrics, (_fields, request) => {
      const { metrics } = context.timers;
      if (metrics === null) return refuse(request, ResponseCode.SYSTEM_ERROR, 'The timer message store is null');
      return ok(request, Buffer.from(metrics));
    }),

    row(Requests.switchTimerEngine, (_fields, request) => {
      const engine = request.extFields[PropertyName.TIMER_ENGINE_TYPE];
      const wrong = (remark: string) => refuse(request, ResponseCode.INVALID_PARAMETER, remark);
      if (!options.timerWheelEnable) return wrong('broker timerWheelEnable is false');
      if (engine === ENGINE_ROCKSDB) return wrong('timerRocksDBEnable must be configured true when broker start');
      if (engine !== ENGINE_TIME_WHEEL) return wrong('param error');
      return createResponse(request, ResponseCode.SUCCESS, 'switch timer engine success');
    }),
  ];
}

async function recall(context: BrokerContext, fields: RecallFields, request: Request, connection: Connection) {
  const { options } = context;
  const common = { [PropertyName.MSG_REGION]: options.regionId };
  const handle = checkRecall(context, fields);
  if (handle instanceof Refusal) return refuse(request, handle.code, handle.remark, common);
  const message = recallMessage(context, fields, handle, connection);
  const result = await new Promise<PutResult>((resolve) => context.putMessage(message, resolve));
  if (!sendOutcomes(options)[result.status].stored) {
    return refuse(request, ResponseCode.SYSTEM_ERROR, 'recall failed, execute error', common);
  }
  context.stats.put(message.topic, message.queueId, result.messageCount, result.bytes);
  return createResponse(request, ResponseCode.SUCCESS, null, { ...common, msgId: handle.messageId });
}

function checkRecall(context: BrokerContext, fields: RecallFields): RecallHandle | Refusal {
  const { options, clock } = context;
  const failed = (code: number, why: string) => new Refusal(code, `recall failed, ${why}`);
  if (!options.recallMessageEnable) return failed(ResponseCode.NO_PERMISSION, 'operation is forbidden');
  const now = clock.now();
  const closed = !isWriteable(options.brokerPermission) && !options.allowRecallWhenBrokerNotWriteable;
  if (closed || now < options.startAcceptSendRequestTimeStamp) {
    return failed(ResponseCode.SERVICE_NOT_AVAILABLE, 'broker service not available');
  }
  if (!context.topics.has(fields.topic)) {
    return failed(ResponseCode.TOPIC_NOT_EXIST, `the topic[${fields.topic}] not exist`);
  }
  let handle: RecallHandle;
  try {
    handle = decodeRecallHandle(fields.recallHandle);
  } catch (error) {
    if (error instanceof ProtocolError) return new Refusal(ResponseCode.ILLEGAL_OPERATION, error.message);
    throw error;
  }
  if (handle.topic !== fields.topic) return failed(ResponseCode.ILLEGAL_OPERATION, 'topic not match');
  if (handle.brokerName !== options.brokerName) {
    return failed(ResponseCode.ILLEGAL_OPERATION, 'broker service not available');
  }
  const left = (/^\d+$/.test(handle.timestamp) ? Number(handle.timestamp) : -1) - now;
  if (left <= 0 || left >= options.timerMaxDelaySec * 1_000) {
    return failed(ResponseCode.ILLEGAL_OPERATION, 'timestamp invalid');
  }
  return handle;
}

/** A timer message for the same slot, whose time is to remove the other one. */
function recallMessage(
  { options, clock, storeHost }: BrokerContext,
  { producerGroup }: RecallFields,
  { topic, messageId, timestamp }: RecallHandle,
  connection: Connection,
): StoreMessage {
  const now = clock.now();
  return {
    topic,
    queueId: 0,
    body: Buffer.from('0'),
    flag: 0,
    properties: {
      [PropertyName.TAGS]: RECALL_TAG,
      [PropertyName.TIMER_DEL_UNIQKEY]: deleteKey(topic, messageId, options.appendTopicForTimerDeleteKey),
      [PropertyName.UNIQ_KEY]: messageId,
      [PropertyName.TIMER_DELIVER_MS]: timestamp,
      [PropertyName.BORN_TIMESTAMP]: String(now),
      [PropertyName.TRACE_CONTEXT]: '',
      ...(producerGroup !== undefined && { [PropertyName.PRODUCER_GROUP]: producerGroup }),
    },
    tagsCode: javaHashCode(RECALL_TAG),
    sysFlag: 0,
    bornTimestamp: now,
    bornHost: connection.remoteHost,
    storeHost,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
  };
}
