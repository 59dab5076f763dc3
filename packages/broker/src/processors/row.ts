import {
  createResponse,
  type DecodedFields,
  decodeFields,
  encodeFields,
  type FieldInput,
  type FieldMap,
  ProtocolError,
  type RemotingCommand,
  type RequestDefinition,
  ResponseCode,
} from '@rocketnest/protocol';
import type { Connection, Processor } from '@rocketnest/remoting';

/** One row of an area's table. */
export type ProcessorRow = readonly [code: number, processor: Processor];

type Request = Parameters<Processor>[0];

/** A handler that sees its request's fields decoded and checked. */
export type Handler<F extends FieldMap> = (
  fields: DecodedFields<F>,
  request: Request,
  connection: Connection,
) => ReturnType<Processor>;

/** A row for a request of the protocol's table. A missing or malformed field is answered with an error that names it. */
export function row<F extends FieldMap, R extends FieldMap>(
  definition: RequestDefinition<F, R>,
  handle: Handler<F>,
): ProcessorRow {
  const { code, fields, name } = definition;
  return [code, (request, connection) => handle(decodeFields(fields, request.extFields, name), request, connection)];
}

/** A successful answer, with the response fields of the request's definition. */
export function answer<F extends FieldMap, R extends FieldMap>(
  request: RemotingCommand,
  definition: RequestDefinition<F, R>,
  fields: FieldInput<R>,
  body?: Buffer,
): RemotingCommand {
  return createResponse(
    request,
    ResponseCode.SUCCESS,
    null,
    encodeFields(definition.response, fields, definition.name),
    body ?? null,
  );
}

/** A successful answer without fields. */
export const ok = (request: RemotingCommand, body?: Buffer): RemotingCommand =>
  createResponse(request, ResponseCode.SUCCESS, null, {}, body ?? null);

/** A refusal: `remark` is what the client shows its user. */
export const refuse = (
  request: RemotingCommand,
  code: number,
  remark: string,
  fields?: Record<string, string>,
): RemotingCommand => createResponse(request, code, remark, fields);

/** The body of a request; empty when it has none. */
export const bodyOf = (request: Request): Buffer => request.body ?? EMPTY;

/** Reads the body of a request. A malformed one is answered with an error that names the request. */
export function parseBody<T>(
  request: Request,
  { name }: Pick<RequestDefinition, 'name'>,
  parse: (body: Buffer) => T,
): T {
  try {
    return parse(bodyOf(request));
  } catch (cause) {
    throw new ProtocolError(`body of ${name}: ${(cause as Error).message}`, { cause });
  }
}

const EMPTY = Buffer.alloc(0);

/** What Java appends to remarks that a FAQ entry explains (`FAQUrl.suggestTodo`). */
export const FAQ_HINT = '\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.';
