import type { ExecutionContext, PipeTransform, Type } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { type DeadLetterInfo, RocketMQContext } from '../context.js';

/**
 * The decoded message, or one of its properties; pipes as further arguments. Nest's own decorator, so that one method
 * works as a listener and under ServerRocketMQ.
 */
export { Ctx, Payload } from '@nestjs/microservices';

type Pipe = PipeTransform | Type<PipeTransform>;

// The types are spelled out because createParamDecorator's own names differ between Nest 11 and 12.
/** In a batch listener a parameter has one value for each message. */
const messagePart = <D>(read: (context: RocketMQContext, data: D) => unknown) =>
  createParamDecorator((data: D, host: ExecutionContext) => {
    const context: RocketMQContext | readonly RocketMQContext[] = host.getArgByIndex(1);
    return context instanceof RocketMQContext ? read(context, data) : context.map((each) => read(each, data));
  }) as (data?: unknown, ...pipes: Pipe[]) => ParameterDecorator;

/** All user properties (`@Headers()`), or one of them (`@Headers('traceparent')`). */
export const Headers: (name?: string | Pipe, ...pipes: Pipe[]) => ParameterDecorator = messagePart(
  (context, name: string | undefined) => (name === undefined ? context.getHeaders() : context.getHeader(name)),
);

/** The message keys, as an array. */
export const Keys: (...pipes: Pipe[]) => ParameterDecorator = messagePart((context) => context.getKeys());

/** The tag, or undefined. */
export const Tag: (...pipes: Pipe[]) => ParameterDecorator = messagePart((context) => context.getTag());

/** The id the producer gave the message. */
export const MessageId: (...pipes: Pipe[]) => ParameterDecorator = messagePart((context) => context.getMessageId());

/** How often the message has been delivered before: 0 the first time. */
export const ReconsumeTimes: (...pipes: Pipe[]) => ParameterDecorator = messagePart((context) =>
  context.getReconsumeTimes(),
);

/** Where a dead letter comes from and why (`@DeadLetter()`), or one of these (`@DeadLetter('reason')`); undefined for other messages. */
export const DeadLetter: (part?: keyof DeadLetterInfo | Pipe, ...pipes: Pipe[]) => ParameterDecorator = messagePart(
  (context, part: keyof DeadLetterInfo | undefined) =>
    part === undefined ? context.getDeadLetter() : context.getDeadLetter()?.[part],
);
