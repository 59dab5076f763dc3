import type { LoggerService } from '@nestjs/common';
import type { MessageHandler } from '@nestjs/microservices';
import type { RocketMQContext } from '../context.js';
import { lastValue } from '../last-value.js';
import { describeError } from '../listeners/describe-error.js';
import { ConsumeResult } from '../outcome.js';
import type { Replier } from '../reply.js';

/**
 * Runs a handler to its end. A stream stands for its last value; an empty one, which is how a filter says that it has dealt with the
 * failure, for none.
 */
export function outcomeOf(handler: MessageHandler, data: unknown, context: RocketMQContext): Promise<unknown> {
  return Promise.resolve(handler(data, context)).then(lastValue);
}

/**
 * Runs a `@MessagePattern` handler and sends what it returned, or what it threw, to the requester. A request is done when it is
 * answered, if only with an error: it does not come again, as the requester has gone on.
 */
export async function answer(
  replier: Replier,
  logger: LoggerService,
  pattern: string,
  context: RocketMQContext,
  run: () => unknown,
): Promise<unknown> {
  const request = context.getMessage();
  try {
    const result = await run();
    if (result instanceof ConsumeResult) {
      // Another delivery answers, if the requester still waits then; and nobody answers what is discarded.
      if (result.outcome.action === 'dead-letter') await replier.giveUp(request, result.outcome.reason);
      return result;
    }
    await replier.reply(request, result);
  } catch (error) {
    logger.error(
      `Request ${request.msgId} failed in @MessagePattern('${pattern}'): ${describeError(error)}. The requester is told.`,
    );
    await replier.fail(request, error);
  }
  return undefined;
}
