import {
  type BatchAckRequest,
  type DecodedCommand,
  offsetsOfBits,
  POP_ORDER_REVIVE_QUEUE,
  type PopAck,
  parseBatchAckRequest,
  parsePopReceipt,
  popRealTopic,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import { ok, type ProcessorRow, parseBody, refuse, row } from '../processors/row.js';
import { missingQueue } from './access.js';
import { queueKey, reviveQueueProblem } from './names.js';
import { acknowledgeInOrder, type Refusal } from './ordered.js';
import type { PopParts } from './parts.js';
import { isStored } from './revive-log.js';

type BatchAck = BatchAckRequest['acks'][number];
const noAcks: BatchAckRequest = { acks: [] };

/** Messages of one pop that are acknowledged together. */
interface Acknowledged {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly reviveQueueId: number;
  readonly startOffset: number;
  readonly popTime: number;
  readonly invisibleTime: number;
  readonly brokerName: string | undefined;
  /** Queue offsets; at least one. */
  readonly offsets: readonly number[];
  /** Whether it came alone or in a batch: they look different on the disk. */
  readonly single: boolean;
}

/** ACK_MESSAGE and BATCH_ACK_MESSAGE (`AckMessageProcessor`). */
export const ackProcessors = (parts: PopParts): readonly ProcessorRow[] => [
  row(Requests.ackMessage, (fields, request, connection) => acknowledgeOne(parts, fields, request, connection)),
  row(Requests.batchAckMessage, (_fields, request, connection) => acknowledgeBatch(parts, request, connection)),
];

async function acknowledgeOne(
  parts: PopParts,
  fields: RequestFields<typeof Requests.ackMessage>,
  request: RemotingCommand,
  connection: Connection,
): Promise<RemotingCommand> {
  const { store } = parts.context;
  const { topic, queueId, offset, consumerGroup: group } = fields;
  const missing = missingQueue(parts.context, fields, request, connection);
  if (missing !== undefined) return missing;
  const min = store.minOffset(topic, queueId);
  const max = store.maxOffset(topic, queueId);
  if (offset < min || offset > max) {
    return refuse(
      request,
      ResponseCode.NO_MESSAGE,
      `offset is illegal, key:${topic}@${queueId}, commit:${offset}, store:${min}~${max}`,
    );
  }
  const { reviveQueueId, startOffset, popTime, invisibleTime, brokerName } = parsePopReceipt(fields.extraInfo);
  const refusal = await acknowledge(
    parts,
    {
      topic,
      group,
      queueId,
      reviveQueueId,
      startOffset,
      popTime,
      invisibleTime,
      brokerName,
      offsets: [offset],
      single: true,
    },
    connection,
  );
  return refusal === undefined ? ok(request) : refuse(request, refusal.code, refusal.remark);
}

/** Batches name messages by bits; those that are out of range are passed over. */
async function acknowledgeBatch(
  parts: PopParts,
  request: DecodedCommand,
  connection: Connection,
): Promise<RemotingCommand> {
  const { acks, brokerName } =
    request.body === null ? noAcks : parseBody(request, Requests.batchAckMessage, parseBatchAckRequest);
  if (acks.length === 0) {
    return refuse(request, ResponseCode.NO_MESSAGE, 'the batch names no messages: send at least one acknowledgement');
  }
  let refusal: Refusal | undefined;
  for (const ack of acks) {
    const named = messagesOf(parts, ack, brokerName);
    if (named.offsets.length > 0) refusal = (await acknowledge(parts, named, connection)) ?? refusal;
  }
  return refusal === undefined ? ok(request) : refuse(request, refusal.code, refusal.remark);
}

function messagesOf({ context: { store } }: PopParts, ack: BatchAck, brokerName: string | undefined): Acknowledged {
  const topic = popRealTopic(ack.t, ack.c, ack.r ?? '0');
  return {
    topic,
    group: ack.c,
    queueId: ack.q,
    reviveQueueId: ack.rq,
    startOffset: ack.so,
    popTime: ack.pt,
    invisibleTime: ack.it,
    brokerName,
    offsets: offsetsOfBits(ack.b, ack.so, store.minOffset(topic, ack.q), store.maxOffset(topic, ack.q)),
    single: false,
  };
}

async function acknowledge(
  parts: PopParts,
  messages: Acknowledged,
  connection: Connection,
): Promise<Refusal | undefined> {
  const { context, checkPoints, log } = parts;
  const { topic, group, queueId, reviveQueueId, startOffset, popTime, invisibleTime, brokerName, offsets } = messages;
  if (reviveQueueId === POP_ORDER_REVIVE_QUEUE) {
    let refusal: Refusal | undefined;
    for (const offset of offsets) {
      const message = { topic, group, queueId, offset, popTime };
      refusal = (await acknowledgeInOrder(parts, message, invisibleTime, connection.remoteAddress)) ?? refusal;
    }
    return refusal;
  }
  const wrong = reviveQueueProblem(context.options, reviveQueueId);
  if (wrong !== undefined) return { code: ResponseCode.INVALID_PARAMETER, remark: wrong };
  context.stats.acked(group, topic, offsets.length);
  const ao = messages.single ? offsets[0]! : -1;
  const ack: PopAck = { t: topic, c: group, q: queueId, so: startOffset, pt: popTime, bn: brokerName, ao };
  if (!messages.single) ack.aol = [...offsets];
  if (!checkPoints.acknowledge(ack)) {
    const result = await log.putAck(ack, reviveQueueId, popTime + invisibleTime);
    if (!isStored(result)) {
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: `the acknowledgement is not stored: ${result.status}; try again`,
      };
    }
  }
  finished(parts, messages);
  return undefined;
}

/** Makes room under `popInflightMessageThreshold`. */
function finished({ context, inflight, pops }: PopParts, messages: Acknowledged): void {
  const { topic, group, queueId, popTime, offsets } = messages;
  inflight.finished(queueKey(topic, group, queueId), popTime, offsets.length);
  if (!context.options.enablePopMessageThreshold) return;
  if (!pops.wake(topic, group, -1)) pops.wake(topic, group, queueId);
}
