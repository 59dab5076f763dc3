import { decodeFields, type RemotingCommand, Requests, ResponseCode } from '@rocketnest/protocol';
import type { MessageQueue } from '../message-queue.js';

/** How durably the broker took a message. Only SEND_OK is what the broker's configuration asks for. Java: SendStatus. */
export type SendStatus = 'SEND_OK' | 'FLUSH_DISK_TIMEOUT' | 'FLUSH_SLAVE_TIMEOUT' | 'SLAVE_NOT_AVAILABLE';

/** Java: SendResult. */
export interface SendResult {
  readonly status: SendStatus;
  /** The client's id of the message (UNIQ_KEY); of a batch, the ids joined by commas. */
  readonly msgId: string;
  /** The broker's id: where the message lies in the commit log; of a batch, the ids joined by commas. */
  readonly offsetMsgId: string;
  readonly queue: MessageQueue;
  /** Offset in the queue; of a batch, of its first message. */
  readonly queueOffset: number;
  readonly transactionId?: string;
  /** Recalls a timed message before its time; only for delayMs and deliverAt, brokers from 5.3. */
  readonly recallHandle?: string;
  /** Region the broker names, for traces. */
  readonly regionId?: string;
  /** False: the broker wants no traces of its messages (traceOn=false). Absent: it has nothing against them. */
  readonly traceOn?: false;
}

/** Gets the outcome of a send, node style. */
export type SendCallback = (error: Error | null, result?: SendResult) => void;

/** Response codes that mean the message is stored. Java: MQClientAPIImpl.processSendResponse. */
const STATUS_OF_CODE: ReadonlyMap<number, SendStatus> = new Map([
  [ResponseCode.SUCCESS, 'SEND_OK'],
  [ResponseCode.FLUSH_DISK_TIMEOUT, 'FLUSH_DISK_TIMEOUT'],
  [ResponseCode.FLUSH_SLAVE_TIMEOUT, 'FLUSH_SLAVE_TIMEOUT'],
  [ResponseCode.SLAVE_NOT_AVAILABLE, 'SLAVE_NOT_AVAILABLE'],
]);

/** The result a broker's answer means; undefined when the code says that the message is not stored. */
export function readSendResult(response: RemotingCommand, queue: MessageQueue, msgId: string): SendResult | undefined {
  const status = STATUS_OF_CODE.get(response.code);
  if (status === undefined) return undefined;
  const fields = decodeFields(Requests.sendMessageV2.response, response.extFields, 'SEND_MESSAGE_V2 response');
  const result: { -readonly [K in keyof SendResult]: SendResult[K] } = {
    status,
    // An inner batch (a broker's batch consume queue) has one id of its own.
    msgId: fields.batchUniqId ?? msgId,
    offsetMsgId: fields.msgId,
    queue: fields.queueId === queue.queueId ? queue : { ...queue, queueId: fields.queueId },
    queueOffset: fields.queueOffset,
  };
  if (fields.transactionId !== undefined) result.transactionId = fields.transactionId;
  if (fields.recallHandle !== undefined) result.recallHandle = fields.recallHandle;
  // Java: processSendResponse reads these two beside the header, too.
  const { MSG_REGION, TRACE_ON } = response.extFields;
  if (MSG_REGION) result.regionId = MSG_REGION;
  if (TRACE_ON === 'false') result.traceOn = false;
  return result;
}
