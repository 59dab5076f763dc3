import {
  createRequest,
  createResponse,
  type LogicQueueItem,
  PullSysFlag,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { refuse } from '../processors/row.js';
import { knownEnd, lengthOf, logicOffset, partAfter, partAt, physicalOffset, withinEnd } from './mapping.js';
import { type LogicQueue, notLeader } from './static-topics.js';

type PullFields = RequestFields<typeof Requests.pullMessage>;
type Answer = RemotingCommand | undefined;

/** Answers that carry offsets, which have to be translated; others are refusals, which pass as they are. */
const withOffsets: ReadonlySet<number> = new Set([
  ResponseCode.SUCCESS,
  ResponseCode.PULL_NOT_FOUND,
  ResponseCode.PULL_RETRY_IMMEDIATELY,
  ResponseCode.PULL_OFFSET_MOVED,
]);

/**
 * Pulls from a logic queue: from the part that holds the offset, which may lie in another broker
 * (`PullMessageProcessor.rewriteRequestForStaticTopic`).
 * @param pullHere pulls from a physical queue of this broker; undefined: held, and run anew when messages come
 */
export async function pullLogicQueue(
  context: Pick<BrokerContext, 'staticTopics'>,
  queue: LogicQueue,
  fields: PullFields,
  request: RemotingCommand,
  pullHere: (physical: PullFields) => Answer | Promise<Answer>,
): Promise<Answer> {
  // Orderly consumers hold the queue's lock at its leader: nobody else may serve it.
  if (queue.leader === undefined) return refuse(request, ResponseCode.NOT_LEADER_FOR_QUEUE, notLeader(queue));
  const part = partAt(queue.items, fields.queueOffset);
  if (part === undefined) return refuse(request, ResponseCode.PULL_NOT_FOUND, 'the logic queue has no offsets yet');
  const physical = physicalFields(queue, part, fields);
  const answer =
    part.bname === queue.mapping.bname
      ? await pullHere(physical)
      : await pullThere(context, part.bname, physical, request);
  if (answer === undefined || !withOffsets.has(answer.code)) return answer;
  return toLogic(queue, part, physical.queueOffset, answer);
}

function physicalFields(queue: LogicQueue, part: LogicQueueItem, fields: PullFields): PullFields {
  let { sysFlag, commitOffset } = fields;
  // Only the leader gets new messages worth waiting for.
  if (part !== queue.leader) sysFlag &= ~PullSysFlag.SUSPEND;
  // The consumed offset may lie in an earlier part. Then the client's own commits have to do. (Apache stores it as it is.)
  if (partAt(queue.items, commitOffset) === part && part === queue.leader) {
    commitOffset = Math.max(0, physicalOffset(part, commitOffset));
  } else {
    sysFlag &= ~PullSysFlag.COMMIT_OFFSET;
  }
  return {
    ...fields,
    lo: false,
    bname: part.bname,
    queueId: part.queueId,
    queueOffset: physicalOffset(part, fields.queueOffset),
    maxMsgNums: Math.min(fields.maxMsgNums, lengthOf(part)),
    sysFlag,
    commitOffset,
  };
}

async function pullThere(
  { staticTopics }: Pick<BrokerContext, 'staticTopics'>,
  brokerName: string,
  physical: PullFields,
  request: RemotingCommand,
): Promise<RemotingCommand> {
  const answer = await staticTopics.peers.request(brokerName, createRequest(Requests.pullMessage, physical));
  return createResponse(request, answer.code, answer.remark, answer.extFields, answer.body);
}

/** Offsets of the answer as offsets of the logic queue; at the end of a part, on to the next (`rewriteResponseForStaticTopic`). */
function toLogic(
  { items, leader }: LogicQueue,
  part: LogicQueueItem,
  requested: number,
  answer: RemotingCommand,
): RemotingCommand {
  const offsetIn = (name: string): number => Number(answer.extFields[name] ?? 0);
  let [next, min, max] = [offsetIn('nextBeginOffset'), offsetIn('minOffset'), offsetIn('maxOffset')];
  let { code } = answer;
  let current = part;
  if (code !== ResponseCode.SUCCESS) {
    const isFirst = partAt(items, 0) === part;
    const following = partAfter(items, part);
    if (requested < min) {
      next = min;
      code = isFirst ? ResponseCode.PULL_OFFSET_MOVED : ResponseCode.PULL_RETRY_IMMEDIATELY;
    } else if (requested >= max && following !== undefined) {
      current = following;
      next = min = max = following.startOffset;
      code = ResponseCode.PULL_RETRY_IMMEDIATELY;
    } else if (requested >= max && part !== leader) {
      // The next part has no place yet: its offsets are being decided.
      code = ResponseCode.PULL_NOT_FOUND;
    }
  }
  Object.assign(answer.extFields, {
    nextBeginOffset: String(logicOffset(current, withinEnd(current, next))),
    minOffset: String(logicOffset(current, Math.max(current.startOffset, min))),
    maxOffset: String(Math.max(logicOffset(current, max), knownEnd(items))),
    offsetDelta: String(current.logicOffset - current.startOffset),
  });
  answer.code = code;
  return answer;
}
