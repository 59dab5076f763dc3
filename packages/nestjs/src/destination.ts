import { ConfigurationError } from '@rocketnest/client';
import { show } from './checks.js';

/** Where a message goes: `'topic'`, `'topic:tag'` (rocketmq-spring's form), or an object. */
export type Destination =
  | string
  | {
      readonly topic: string;
      readonly tag?: string;
      readonly keys?: string | readonly string[];
      readonly headers?: Readonly<Record<string, HeaderValue>>;
    };

/** A user property; it travels as text. `undefined`, `null` and empty values are left out: RocketMQ cannot carry them. */
export type HeaderValue = string | number | boolean | null | undefined;

export interface ParsedDestination {
  readonly topic: string;
  /** Empty when there is none. */
  readonly tag: string;
  readonly keys: string | readonly string[] | undefined;
  readonly headers: Readonly<Record<string, HeaderValue>> | undefined;
}

/**
 * Splits at the first colon, as rocketmq-spring's RocketMQUtil.getAndWrapMessage.
 * @throws ConfigurationError when there is no topic
 */
export function parseDestination(destination: Destination): ParsedDestination {
  const { topic, tag, keys, headers } = typeof destination === 'string' ? split(destination) : (destination ?? {});
  if (typeof topic !== 'string' || topic.trim() === '') {
    throw new ConfigurationError(
      `A destination is 'topic', 'topic:tag' or { topic, tag }, got ${show(destination)}. Give the topic's name.`,
    );
  }
  return { topic, tag: tag ?? '', keys, headers };
}

function split(text: string): { topic: string; tag: string; keys?: undefined; headers?: undefined } {
  const colon = text.indexOf(':');
  return colon < 0 ? { topic: text, tag: '' } : { topic: text.slice(0, colon), tag: text.slice(colon + 1) };
}

/** Which messages of a topic: those with certain tags, those an SQL92 expression accepts, or all. */
export interface Subscription {
  readonly topic: string;
  /** `undefined`: every tag. */
  readonly tags: ReadonlySet<string> | undefined;
  /** Over user properties; the broker evaluates it. Goes without tags. */
  readonly sql92?: string;
}

/** Reads `'*'`, `'tagA'`, `'tagA || tagB'` as Java's FilterAPI does. */
export function parseTags(expression: string): ReadonlySet<string> | undefined {
  const tags = expression
    .split('||')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  return tags.length === 0 || tags.includes('*') ? undefined : new Set(tags);
}

/** The expression that subscribes to `tags`; sorted, so that every instance of a group subscribes with the same text. */
export const formatTags = (tags: ReadonlySet<string> | undefined): string =>
  tags === undefined ? '*' : [...tags].sort().join(' || ');

/** `topic`, `topic:tagA || tagB` or `topic[sql]`, for logs and errors. */
export const formatSubscription = ({ topic, tags, sql92 }: Subscription): string => {
  if (sql92 !== undefined) return `${topic}[${sql92}]`;
  return tags === undefined ? topic : `${topic}:${formatTags(tags)}`;
};
