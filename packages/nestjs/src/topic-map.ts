import type { Destination } from './destination.js';
import type { RocketMQRecord } from './record.js';

/**
 * Which payload belongs to which topic. Empty until an application says so:
 *
 * ```ts
 * declare module '@rocketnest/nestjs' {
 *   interface RocketMQTopics {
 *     order: Order;
 *     'order:cancelled': { id: string }; // more exact than the topic
 *   }
 * }
 * ```
 *
 * From then on the compiler refuses other payloads to these topics. Topics that are not listed take anything.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by merging.
export interface RocketMQTopics {}

/** `topic` or `topic:tag` of a destination, as far as the compiler knows it. */
type KeyOf<D> = D extends { readonly topic: infer T extends string; readonly tag: infer G extends string }
  ? `${T}:${G}`
  : D;

type TopicOf<D> = D extends { readonly topic: infer T } ? T : D extends `${infer T}:${string}` ? T : D;

/** What a destination takes; `unknown` unless RocketMQTopics has it. */
export type PayloadOf<D> =
  KeyOf<D> extends keyof RocketMQTopics
    ? RocketMQTopics[KeyOf<D>]
    : TopicOf<D> extends keyof RocketMQTopics
      ? RocketMQTopics[TopicOf<D>]
      : unknown;

/** A payload for a destination, or a record of one. */
export type Sendable<D extends Destination> = PayloadOf<D> | RocketMQRecord<PayloadOf<D>>;
