import { HttpException, type LoggerService } from '@nestjs/common';
import type { MessageExt, OutgoingMessage, Producer } from '@rocketnest/client';
import { ConfigurationError, createErrorReply, createReply } from '@rocketnest/client';
import { describeError } from './listeners/describe-error.js';
import { toKeys, toProperties } from './outgoing.js';
import type { PayloadSerializer } from './payload/serializer.js';
import { CONTENT_TYPE } from './payload/serializer.js';
import { type RecordOptions, RocketMQRecord } from './record.js';

/**
 * Name of a remote error whose text is JSON: what Nest's exception filters make of an error need not be an `Error`, and
 * `ClientProxy.send` is to fail with the same value.
 */
export const RPC_ERROR = 'RpcError';

/** Nobody can answer with an empty body; JSON has a word for nothing. */
const NOTHING = { body: Buffer.from('null'), contentType: 'application/json' };

/** What a record may not say about a reply, which goes to its requester and nowhere else, at once. */
const NOT_FOR_REPLIES = ['delay', 'delayLevel', 'deliverAt', 'shardingKey'] as const satisfies (keyof RecordOptions)[];

/**
 * Answers requests, for reply listeners and `@MessagePattern` handlers. A requester that is gone is a line in the log: nobody else can do
 * anything about it.
 */
export class Replier {
  constructor(
    /** Asked for with each reply: the producer may be started later than this is made. */
    private readonly producer: () => Pick<Producer, 'send'> | Promise<Pick<Producer, 'send'>>,
    private readonly serializer: PayloadSerializer,
    private readonly logger: LoggerService,
  ) {}

  /**
   * @param content what the handler returned: a payload, or a `RocketMQRecord` with tag, keys and headers
   * @param timeoutMs for sending; default: the producer's
   * @throws what the serializer throws for a content that cannot be a message; ConfigurationError for a record that cannot be a reply
   */
  async reply(request: MessageExt, content: unknown, timeoutMs?: number): Promise<void> {
    const own = content instanceof RocketMQRecord ? content.options.timeoutMs : undefined;
    await this.#send(request, toReply(this.serializer, request, content), own ?? timeoutMs);
  }

  /** Makes the requester's promise reject with `error`. */
  fail(request: MessageExt, error: unknown, timeoutMs?: number): Promise<void> {
    return this.#send(request, toErrorReply(request, error), timeoutMs);
  }

  /** Tells the requester that its request is a dead letter. */
  giveUp(request: MessageExt, reason: string | undefined, timeoutMs?: number): Promise<void> {
    return this.fail(request, new Error(reason ?? 'The request was given up.'), timeoutMs);
  }

  async #send({ msgId, topic }: MessageExt, reply: OutgoingMessage, timeoutMs: number | undefined): Promise<void> {
    try {
      const producer = await this.producer();
      await producer.send(reply, timeoutMs === undefined ? {} : { timeoutMs });
    } catch (error) {
      this.logger.warn(
        `The reply to request ${msgId} of topic ${topic} did not reach its requester: ${describeError(error)}`,
      );
    }
  }
}

/**
 * The reply to a request message, for `producer.send`.
 * @param content serialized like what is sent; `undefined` and `null` arrive as `null`
 */
function toReply(serializer: PayloadSerializer, request: MessageExt, content: unknown): OutgoingMessage {
  const { payload, options } = content instanceof RocketMQRecord ? content : new RocketMQRecord(content);
  refuseOthersOptions(options, request);
  const { body, contentType } = payload === undefined || payload === null ? NOTHING : serializer.serialize(payload);
  const { tag, headers } = options;
  const keys = toKeys(options.keys);
  return createReply(request, {
    body,
    properties: toProperties({ [CONTENT_TYPE]: contentType, ...headers }),
    ...(tag === undefined || tag === '' ? {} : { tags: tag }),
    ...(keys === undefined ? {} : { keys }),
  });
}

function refuseOthersOptions(options: RecordOptions, { topic }: MessageExt): void {
  const given = NOT_FOR_REPLIES.filter((key) => options[key] !== undefined);
  if (given.length === 0) return;
  throw new ConfigurationError(
    `The reply to a request of topic ${topic} has ${given.join(', ')}. A reply goes to its requester at once: give its record nothing but tag, keys, headers and timeoutMs.`,
    { context: { topic } },
  );
}

/** The reply that says what went wrong: the requester's promise rejects with a RemoteReplyError. */
function toErrorReply(request: MessageExt, error: unknown): OutgoingMessage {
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
