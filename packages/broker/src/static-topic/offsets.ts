import {
  type DecodedFields,
  encodeFields,
  type FieldInput,
  type FieldMap,
  type LogicQueueItem,
  type RemotingCommand,
  type RequestDefinition,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { answer, type Handler, type ProcessorRow, refuse, row } from '../processors/row.js';
import { isPlaced, logicOffset, partAfter, partAt, physicalOffset } from './mapping.js';
import { type LogicQueue, notLeader, type QueueFields } from './static-topics.js';

type Context = Pick<BrokerContext, 'staticTopics'>;

/** How a request about a queue's offsets is answered for a logic queue, out of what its parts answer. */
type Translation<F extends QueueFieldMap> = (
  queue: LogicQueue,
  fields: DecodedFields<F>,
  /** The same request to the physical queue of a part, wherever it is. */
  ask: (part: LogicQueueItem, changes?: Partial<FieldInput<F>>) => Promise<RemotingCommand>,
  request: RemotingCommand,
) => Promise<RemotingCommand>;

type QueueFieldMap = FieldMap & (typeof Requests.getMinOffset extends RequestDefinition<infer F, FieldMap> ? F : never);
type FieldsOf<D> = D extends RequestDefinition<infer F, FieldMap> ? F : never;

/**
 * A row that translates for logic queues, and leaves physical ones, the usual case, to `handle`. Answers of the parts that are
 * neither a success nor expected pass to the client as they are.
 */
export function translated<F extends QueueFieldMap, R extends FieldMap>(
  context: Context,
  definition: RequestDefinition<F, R>,
  translate: Translation<F>,
  handle: Handler<F>,
): ProcessorRow {
  return row(definition, (fields, request, connection) => {
    const queue = context.staticTopics.queueOf(fields as QueueFields);
    if (queue === undefined) return handle(fields, request, connection);
    if (queue.leader === undefined) return refuse(request, ResponseCode.NOT_LEADER_FOR_QUEUE, notLeader(queue));
    const ask = async (part: LogicQueueItem, changes?: Partial<FieldInput<F>>): Promise<RemotingCommand> => {
      const physical = { ...fields, ...changes, queueId: part.queueId, lo: false, bname: part.bname };
      const extFields = encodeFields(definition.fields, physical as unknown as FieldInput<F>, definition.name);
      const copy = { ...request, extFields };
      if (part.bname !== queue.mapping.bname) return context.staticTopics.peers.request(part.bname, copy);
      return (await handle(physical, copy, connection)) as RemotingCommand;
    };
    return translate(queue, fields, ask, request).catch((passed) => {
      if (passed instanceof Passed) return { ...passed.answer, opaque: request.opaque };
      throw passed;
    });
  });
}

/** An answer of a part that goes to the client unchanged. */
class Passed {
  constructor(readonly answer: RemotingCommand) {}
}

function offsetIn(part: RemotingCommand): number {
  if (part.code !== ResponseCode.SUCCESS) throw new Passed(part);
  return Number(part.extFields['offset']);
}

/** The group's offset in the newest part that has one (`ConsumerManageProcessor`). */
export const queryOffset: Translation<FieldsOf<typeof Requests.queryConsumerOffset>> = async (
  { items, leader },
  _fields,
  ask,
  request,
) => {
  const definition = Requests.queryConsumerOffset;
  // Just one part from 0 on: whatever the physical queue's rules for new groups say holds for the logic queue.
  if (items.length === 1 && leader!.logicOffset === 0) return ask(leader!);
  for (const part of items.filter(isPlaced).toReversed()) {
    const response = await ask(part, { setZeroIfNotFound: false });
    if (response.code === ResponseCode.QUERY_NOT_FOUND) continue;
    return answer(request, definition, { offset: logicOffset(part, offsetIn(response)) });
  }
  return refuse(request, ResponseCode.QUERY_NOT_FOUND, 'Not found, maybe this group consumer boot first');
};

/** Kept by the broker of the part that the offset lies in. */
export const updateOffset: Translation<FieldsOf<typeof Requests.updateConsumerOffset>> = (
  { items, leader },
  { commitOffset },
  ask,
) => {
  const part = partAt(items, commitOffset) ?? leader!;
  return ask(part, { commitOffset: Math.max(0, physicalOffset(part, commitOffset)) });
};

/** The end of the last part that has a place. */
export const maxOffset: Translation<FieldsOf<typeof Requests.getMaxOffset>> = async (
  { items },
  _fields,
  ask,
  request,
) => {
  const part = partAt(items, Number.MAX_SAFE_INTEGER)!;
  return answer(request, Requests.getMaxOffset, { offset: logicOffset(part, offsetIn(await ask(part))) });
};

export const minOffset: Translation<FieldsOf<typeof Requests.getMinOffset>> = async (
  { items },
  _fields,
  ask,
  request,
) => {
  const part = partAt(items, 0)!;
  return answer(request, Requests.getMinOffset, { offset: logicOffset(part, offsetIn(await ask(part))) });
};

/**
 * The first part with a message that is new enough. A queue that has none answers with its end, or the message before it: what
 * decides is whether the next part goes on. (Apache takes the last part that answers at all.)
 */
export const searchOffset =
  (context: Context): Translation<FieldsOf<typeof Requests.searchOffsetByTimestamp>> =>
  async ({ topic, items }, { timestamp }, ask, request) => {
    let offset = -1;
    for (const part of items.filter(isPlaced)) {
      const found = offsetIn(await ask(part));
      offset = logicOffset(part, Math.max(0, found));
      const next = partAfter(items, part);
      if (next === undefined || (await context.staticTopics.peers.lastStoreTime(topic, part)) >= timestamp) break;
    }
    return answer(request, Requests.searchOffsetByTimestamp, { offset });
  };

export const earliestStoreTime: Translation<FieldsOf<typeof Requests.getEarliestMsgStoretime>> = async (
  { items },
  _fields,
  ask,
) => ask(partAt(items, 0)!);
