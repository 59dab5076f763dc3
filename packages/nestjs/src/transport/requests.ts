import type { LoggerService } from '@nestjs/common';
import type { MessageHandler } from '@nestjs/microservices';
import type { OutgoingMessage, Producer } from '@rocketnest/client';
import { isObservable, lastValueFrom } from 'rxjs';
import type { RocketMQContext } from '../context.js';
import { ConsumeResult } from '../outcome.js';
import type { PayloadSerializer } from '../payload/serializer.js';
import { toErrorReply, toReply } from '../reply.js';

/** What answering requests takes: a connection. */
export interface Replies {
  readonly producer: Pick<Producer, 'send'>;
  readonly serializer: PayloadSerializer;
  readonly logger: LoggerService;
}

/**
 * Runs a handler to its end. A stream stands for its last value; an empty one, which is how a filter says that it has dealt with the
 * failure, for none.
 */
export async function outcomeOf(handler: MessageHandler, data: unknown, context: RocketMQContext): Promise<unknown> {
  const result: unknown = await handler(data, context);
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}

/**
 * Runs a `@MessagePattern` handler and sends what it returned, or what it threw, to the requester. A request is done when it is
 * answered, if only with an error: it does not come again, as the requester has gone on.
 */
export async function answer(
  replies: Replies,
  pattern: string,
  context: RocketMQContext,
  run: () => Promise<unknown>,
): Promise<unknown> {
  const request = context.getMessage();
  let reply: OutgoingMessage;
  try {
    const result = await run();
    // The handler asks for another delivery, or the dead letter topic, instead of answering: the requester may still be there then.
    if (result instanceof ConsumeResult) return result;
    reply = toReply(replies.serializer, request, result);
  } catch (error) {
    replies.logger.error(
      `Request ${request.msgId} failed in @MessagePattern('${pattern}'): ${(error as Error | undefined)?.message ?? String(error)}. The requester is told.`,
    );
    reply = toErrorReply(request, error);
  }
  await replies.producer.send(reply).catch((error: unknown) => {
    replies.logger.warn(
      `The reply of @MessagePattern('${pattern}') to request ${request.msgId} did not reach its requester: ${(error as Error).message}`,
    );
  });
  return undefined;
}
