import { HttpException } from '@nestjs/common';
import type { MessageExt, OutgoingMessage } from '@rocketnest/client';
import { createErrorReply, createReply } from '@rocketnest/client';
import type { PayloadSerializer } from './payload/serializer.js';
import { CONTENT_TYPE } from './payload/serializer.js';

/**
 * Name of a remote error whose text is JSON: what Nest's exception filters make of an error need not be an `Error`, and
 * `ClientProxy.send` is to fail with the same value.
 */
export const RPC_ERROR = 'RpcError';

/** Nobody can answer with an empty body; JSON has a word for nothing. */
const NOTHING = { body: Buffer.from('null'), contentType: 'application/json' };

/**
 * The reply to a request message, for `producer.send`.
 * @param payload serialized like one that is sent; `undefined` and `null` arrive as `null`
 * @throws ConfigurationError when the message is not a request; what the serializer throws
 */
export function toReply(serializer: PayloadSerializer, request: MessageExt, payload: unknown): OutgoingMessage {
  const { body, contentType } = payload === undefined || payload === null ? NOTHING : serializer.serialize(payload);
  const properties: Record<string, string> = contentType === undefined ? {} : { [CONTENT_TYPE]: contentType };
  return createReply(request, { body, properties });
}

/** The reply that says what went wrong: the requester's promise rejects with a RemoteReplyError. */
export function toErrorReply(request: MessageExt, error: unknown): OutgoingMessage {
  if (!(error instanceof Error)) return createErrorReply(request, named(RPC_ERROR, textOf(error)));
  if (!(error instanceof HttpException)) return createErrorReply(request, error);
  // ValidationPipe keeps what is wrong with which property in the response.
  const { message } = error.getResponse() as { message?: unknown };
  const text = Array.isArray(message) ? message.join(', ') : error.message;
  return createErrorReply(request, Object.assign(named(error.name, text), { code: error.getStatus() }));
}

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

function textOf(error: unknown): string {
  try {
    return JSON.stringify(error) ?? 'null';
  } catch {
    return JSON.stringify(String(error));
  }
}
