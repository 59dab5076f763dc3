import {
  POP_ORDER_REVIVE_QUEUE,
  type PopReceipt,
  parsePopReceipt,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { Connection } from '@rocketnest/remoting';
import { answer, type ProcessorRow, refuse, row } from '../processors/row.js';
import { missingQueue } from './access.js';
import { reviveQueueProblem } from './names.js';
import { moveVisibilityInOrder } from './ordered.js';
import type { PopParts } from './parts.js';
import { isStored } from './revive-log.js';

type Fields = RequestFields<typeof Requests.changeMessageInvisibletime>;

/** CHANGE_MESSAGE_INVISIBLETIME (`ChangeInvisibleTimeProcessor`). */
export const changeInvisibleProcessors = (parts: PopParts): readonly ProcessorRow[] => [
  row(Requests.changeMessageInvisibletime, (fields, request, connection) => change(parts, fields, request, connection)),
];

async function change(
  parts: PopParts,
  fields: Fields,
  request: RemotingCommand,
  connection: Connection,
): Promise<RemotingCommand> {
  const { store, clock, options } = parts.context;
  const missing = missingQueue(parts.context, fields, request, connection);
  if (missing !== undefined) return missing;
  const { topic, queueId, offset, invisibleTime } = fields;
  const min = store.minOffset(topic, queueId);
  const max = store.maxOffset(topic, queueId);
  if (offset < min || offset >= max) {
    return refuse(
      request,
      ResponseCode.NO_MESSAGE,
      `no message at offset ${offset} of ${topic}@${queueId}, which has ${min}~${max}`,
    );
  }
  if (invisibleTime < 0) {
    return refuse(
      request,
      ResponseCode.INVALID_PARAMETER,
      `invisibleTime is ${invisibleTime}: give milliseconds from 0 on`,
    );
  }
  const receipt = parsePopReceipt(fields.extraInfo);
  const { popTime, reviveQueueId } = receipt;
  if (reviveQueueId === POP_ORDER_REVIVE_QUEUE) {
    const message = { topic, group: fields.consumerGroup, queueId, offset, popTime };
    const visibleAt = await moveVisibilityInOrder(parts, message, invisibleTime);
    return answer(
      request,
      Requests.changeMessageInvisibletime,
      visibleAt === undefined
        ? { popTime: 0, invisibleTime: 0, reviveQid: 0 }
        : { popTime, invisibleTime: visibleAt - popTime, reviveQid: reviveQueueId },
    );
  }
  const wrong = reviveQueueProblem(options, reviveQueueId);
  if (wrong !== undefined) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
  const now = clock.now();
  const failure = await replaceCheckPoint(parts, fields, receipt, now);
  if (failure !== undefined) return refuse(request, ResponseCode.SYSTEM_ERROR, failure);
  return answer(request, Requests.changeMessageInvisibletime, {
    popTime: now,
    invisibleTime,
    reviveQid: reviveQueueId,
  });
}

/**
 * The message gets a check point of its own; then it is acknowledged in its old one. In this order: a crash in between brings it
 * twice rather than never.
 */
async function replaceCheckPoint(
  { context, log, checkPoints }: PopParts,
  fields: Fields,
  receipt: PopReceipt,
  now: number,
): Promise<string | undefined> {
  const { topic, consumerGroup: group, queueId, offset } = fields;
  const { startOffset, popTime, reviveQueueId, brokerName } = receipt;
  const message = { t: topic, c: group, q: queueId, bn: brokerName };
  const point = { ...message, so: offset, pt: now, it: fields.invisibleTime, n: 1, d: [0], sp: fields.suspend };
  const written = await log.putCheckPoint({ ...point, bm: 0, ro: 0 }, reviveQueueId);
  if (!isStored(written)) return `the new invisible time is not stored: ${written.status}; try again`;
  context.stats.checkpointed(group, topic, 1);
  context.stats.acked(group, topic, 1);
  const ack = { ...message, so: startOffset, pt: popTime, ao: offset };
  if (checkPoints.acknowledge(ack)) return undefined;
  const acknowledged = await log.putAck(ack, reviveQueueId, popTime + receipt.invisibleTime);
  if (!isStored(acknowledged)) {
    context.logger.warn('a message may come at its old invisible time, too', { ack, status: acknowledged.status });
  }
  return undefined;
}
