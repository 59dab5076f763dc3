import {
  ConfigurationError,
  type Message,
  type MessageExt,
  PropertyName,
  RemoteReplyError,
  replyTopic,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import type { MessageHandler } from '../consumer/outcome.js';
import type { OutgoingMessage, ReplyAddress } from './outgoing-message.js';

/** Properties of a reply that is an error: class and `code` of what the replier threw. The body is its message. */
const ERROR_NAME = 'ROCKETNEST_ERROR';
const ERROR_CODE = 'ROCKETNEST_ERROR_CODE';
/** Long enough for any class or code, short enough for the properties of a message. */
const MAX_ERROR_TEXT = 256;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these two separate properties
const SEPARATORS = /[\x01\x02]/g;

/** A reply besides its address; a body alone will do. */
export type ReplyContent =
  | string
  | Uint8Array
  | Pick<OutgoingMessage, 'body' | 'tags' | 'keys' | 'properties' | 'flag'>;

/** True for a message sent with Producer.request() or Java's: somebody waits for a reply. */
export function isRequest(message: Message): boolean {
  const { properties } = message;
  return (
    properties[PropertyName.CORRELATION_ID] !== undefined &&
    properties[PropertyName.MESSAGE_REPLY_TO_CLIENT] !== undefined
  );
}

/**
 * The reply to a request message, to be sent with any producer of the cluster: `producer.send(createReply(request, 'done'))`. That
 * send resolves when the requester has it, and rejects with a ResponseError when the requester is gone. Java: MessageUtil.createReplyMessage.
 * @throws ConfigurationError when the message is not a request
 */
export function createReply(request: Message, content: ReplyContent): OutgoingMessage {
  const { properties, topic } = request;
  const cluster = properties[PropertyName.CLUSTER];
  if (!isRequest(request) || cluster === undefined) {
    throw new ConfigurationError(
      `A message of topic ${topic} is not a request (it lacks CLUSTER, CORRELATION_ID or REPLY_TO_CLIENT), so nobody waits for a reply. Reply to messages sent with request() only; isRequest() tells.`,
      { context: { topic } },
    );
  }
  const ttl = properties[PropertyName.MESSAGE_TTL];
  const replyTo: ReplyAddress = {
    correlationId: properties[PropertyName.CORRELATION_ID]!,
    clientId: properties[PropertyName.MESSAGE_REPLY_TO_CLIENT]!,
    ...(ttl === undefined ? {} : { ttlMs: Number(ttl) }),
  };
  const rest = typeof content === 'string' || content instanceof Uint8Array ? { body: content } : content;
  return { ...rest, topic: replyTopic(cluster), replyTo };
}

/**
 * A reply that makes request() on the other side reject with a RemoteReplyError. A Java requester gets the error's message as body.
 * @throws ConfigurationError when the message is not a request
 */
export function createErrorReply(request: Message, error: unknown): OutgoingMessage {
  const name = textOf(error instanceof Error ? error.name : typeof error);
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null | undefined)?.code;
  const hasCode = typeof code === 'string' || typeof code === 'number';
  return createReply(request, {
    body: message || name,
    properties: { [ERROR_NAME]: name, ...(hasCode ? { [ERROR_CODE]: textOf(String(code)) } : {}) },
  });
}

const textOf = (text: string): string => text.replace(SEPARATORS, ' ').slice(0, MAX_ERROR_TEXT) || 'Error';

/** The error a reply stands for; undefined when it is an ordinary one. */
export function errorOfReply(reply: MessageExt, topic: string): RemoteReplyError | undefined {
  const remoteName = reply.properties[ERROR_NAME];
  if (remoteName === undefined) return undefined;
  const remoteMessage = reply.body.toString();
  const replier = reply.bornHost.address;
  return new RemoteReplyError(
    `The replier to a request to topic ${topic} (at ${replier}) failed with ${remoteName}: ${remoteMessage}. Look into its log there.`,
    { remoteName, remoteMessage, remoteCode: reply.properties[ERROR_CODE], context: { topic, replier } },
  );
}

/** What sends replies: a Producer. */
export interface ReplySender {
  readonly instance: { readonly logger: Logger };
  send(reply: OutgoingMessage): Promise<unknown>;
}

/** Answers one request; what it throws becomes an error reply. */
export type Replier = (request: MessageExt) => ReplyContent | Promise<ReplyContent>;

/**
 * A handler for PushConsumer.listen() that answers requests through `producer`. A request is done when it is answered, if only with
 * an error: it is not delivered again, as the requester has gone on. A reply nobody waits for any more is logged. Messages that are no
 * requests are handled without a reply, and come again when the replier throws.
 */
export function replyWith(producer: ReplySender, replier: Replier): MessageHandler {
  const answer = async (request: MessageExt): Promise<void> => {
    if (!isRequest(request)) {
      await replier(request);
      return;
    }
    let reply: OutgoingMessage;
    try {
      reply = createReply(request, await replier(request));
    } catch (error) {
      reply = createErrorReply(request, error);
    }
    try {
      await producer.send(reply);
    } catch (error) {
      const { topic, msgId } = request;
      producer.instance.logger.warn('a reply did not reach its requester', { topic, msgId, error });
    }
  };
  return async (messages) => {
    await Promise.all(messages.map(answer));
  };
}
