import { ConfigurationError } from '@rocketnest/client';
import { show } from '../checks.js';
import type { Subscription } from '../destination.js';
import { parseTags } from '../destination.js';

/** What `@EventPattern` and `@MessagePattern` take: `'topic'`, `'topic:tagA || tagB'`, or an object. */
export type RocketMQPattern = string | { readonly topic: string; readonly tag?: string };

/** @throws ConfigurationError when it is not a pattern of ours */
export function parsePattern(pattern: unknown): Subscription {
  const { topic, tag } =
    typeof pattern === 'string' ? split(pattern) : ((pattern ?? {}) as { topic?: unknown; tag?: unknown });
  if (typeof topic === 'string' && topic !== '' && (tag === undefined || typeof tag === 'string')) {
    return { topic, tags: parseTags(tag ?? '*') };
  }
  throw new ConfigurationError(
    `A pattern of RocketMQ is 'topic', 'topic:tagA || tagB' or { topic, tag }, got ${show(pattern)}${typeof pattern === 'object' ? ` ${JSON.stringify(pattern)}` : ''}. ` +
      'If it belongs to another transport of this application, say which: @EventPattern(pattern, Transport.TCP).',
  );
}

function split(pattern: string): { topic: string; tag: string | undefined } {
  const colon = pattern.indexOf(':');
  return colon < 0
    ? { topic: pattern, tag: undefined }
    : { topic: pattern.slice(0, colon), tag: pattern.slice(colon + 1) };
}
