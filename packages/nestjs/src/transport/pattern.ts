import { ConfigurationError } from '@rocketnest/client';
import { show } from '../checks.js';
import type { Subscription } from '../destination.js';
import { parseTags } from '../destination.js';

/** What `@EventPattern` and `@MessagePattern` take: `'topic'`, `'topic:tagA || tagB'`, or an object. */
export type RocketMQPattern = string | { readonly topic: string; readonly tag?: string };

/** Wildcards of other brokers. None of them may be in a topic's name (Java: TopicValidator). */
const WILDCARDS = /[*#+>?]/;

/** @throws ConfigurationError when it is not a pattern of ours */
export function parsePattern(pattern: unknown): Subscription {
  if (pattern instanceof RegExp) refuseWildcards(pattern);
  const { topic, tag } =
    typeof pattern === 'string' ? split(pattern) : ((pattern ?? {}) as { topic?: unknown; tag?: unknown });
  if (typeof topic === 'string' && topic !== '' && (tag === undefined || typeof tag === 'string')) {
    const tags = parseTags(tag ?? '*');
    if (WILDCARDS.test(topic) || [...(tags ?? [])].some((name) => name.includes('*'))) refuseWildcards(pattern);
    return { topic, tags };
  }
  throw new ConfigurationError(
    `A pattern of RocketMQ is 'topic', 'topic:tagA || tagB' or { topic, tag }, got ${show(pattern)}${typeof pattern === 'object' ? ` ${JSON.stringify(pattern)}` : ''}. ` +
      'If it belongs to another transport of this application, say which: @EventPattern(pattern, Transport.TCP).',
  );
}

function refuseWildcards(pattern: unknown): never {
  const shown = typeof pattern === 'string' || pattern instanceof RegExp ? String(pattern) : JSON.stringify(pattern);
  throw new ConfigurationError(
    `The pattern ${shown} has wildcards, and RocketMQ's consumers subscribe to topics and tags by their names. Name them: ` +
      "@EventPattern(['order-created', 'order-paid']), or one topic with tags, 'order:created || paid'; 'order:*' and 'order' take every tag.",
  );
}

function split(pattern: string): { topic: string; tag: string | undefined } {
  const colon = pattern.indexOf(':');
  return colon < 0
    ? { topic: pattern, tag: undefined }
    : { topic: pattern.slice(0, colon), tag: pattern.slice(colon + 1) };
}
