import type { LoggerService } from '@nestjs/common';
import type { MessageExt, OutgoingMessage, Producer } from '@rocketnest/client';
import type { PayloadSerializer } from '../payload/serializer.js';
import { toErrorReply, toReply } from '../reply.js';
import { describeError } from './describe-error.js';

/** Answers requests. A requester that is gone is a line in the log: nobody else can do anything about it. */
export class Replier {
  constructor(
    /** Asked for with each reply: the producer may be started later than this is made. */
    private readonly producer: () => Producer | Promise<Producer>,
    private readonly serializer: PayloadSerializer,
    private readonly logger: LoggerService,
  ) {}

  /** @throws what the serializer throws for a content that cannot be a message */
  async reply(request: MessageExt, content: unknown, timeoutMs: number): Promise<void> {
    await this.#send(request, toReply(this.serializer, request, content), timeoutMs);
  }

  /** Makes the requester's promise reject with `error`. */
  fail(request: MessageExt, error: unknown, timeoutMs: number): Promise<void> {
    return this.#send(request, toErrorReply(request, error), timeoutMs);
  }

  async #send({ msgId, topic }: MessageExt, reply: OutgoingMessage, timeoutMs: number): Promise<void> {
    try {
      const producer = await this.producer();
      await producer.send(reply, { timeoutMs });
    } catch (error) {
      this.logger.warn(
        `The reply to request ${msgId} of topic ${topic} did not reach its requester: ${describeError(error)}`,
      );
    }
  }
}
