import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import type { RocketMQContext } from '../context.js';

/**
 * The decoded message, or one of its properties; pipes as further arguments. Nest's own decorator, so that one method
 * works as a listener and under ServerRocketMQ.
 */
export { Ctx, Payload } from '@nestjs/microservices';

const messagePart = <D>(read: (context: RocketMQContext, data: D) => unknown) =>
  createParamDecorator((data: D, host: ExecutionContext) => read(host.getArgByIndex(1) as RocketMQContext, data));

/** All user properties (`@Headers()`), or one of them (`@Headers('traceparent')`). */
export const Headers = messagePart((context, name: string | undefined) =>
  name === undefined ? context.getHeaders() : context.getHeader(name),
);

/** The message keys, as an array. */
export const Keys = messagePart((context) => context.getKeys());

/** The tag, or undefined. */
export const Tag = messagePart((context) => context.getTag());

/** The id the producer gave the message. */
export const MessageId = messagePart((context) => context.getMessageId());

/** How often the message has been delivered before: 0 the first time. */
export const ReconsumeTimes = messagePart((context) => context.getReconsumeTimes());
