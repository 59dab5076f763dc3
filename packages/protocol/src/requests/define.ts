import { RequestCode } from '../codes.js';
import type { RequestDefinition } from '../command.js';
import { type FieldCodec, type FieldMap, field, fieldTable } from '../field.js';

// biome-ignore lint/complexity/noBannedTypes: a header without fields
type None = {};

/** One row of the request table: the code follows from Java's name for it. */
export function request<F extends FieldMap = None, R extends FieldMap = None>(
  name: keyof typeof RequestCode,
  fields: F = {} as F,
  response: R = {} as R,
  wireNames?: Readonly<Partial<Record<keyof F & string, string>>>,
  codec?: FieldCodec<F>,
  responseCodec?: FieldCodec<R>,
): RequestDefinition<F, R> {
  return Object.freeze({
    code: RequestCode[name],
    name,
    fields: fieldTable(fields, wireNames, codec),
    response: fieldTable(response, undefined, responseCodec),
  });
}

/** What most requests may carry besides their own fields. Java: `RpcRequestHeader`. */
export const rpcFields = {
  /** Namespace. */
  ns: field.string().optional(),
  /** Whether names already carry the namespace. */
  nsd: field.bool().optional(),
  /** Name of the broker meant; RocketMQ's proxy needs it to forward remoting requests. */
  bname: field.string().optional(),
  oway: field.bool().optional(),
} as const;

/** Requests about one topic. Java: `TopicRequestHeader`. */
export const topicFields = {
  /** Static topics: whether `queueId` is a logic queue. */
  lo: field.bool().optional(),
  ...rpcFields,
} as const;
