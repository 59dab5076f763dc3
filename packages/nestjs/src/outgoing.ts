import type { OutgoingMessage } from '@rocketnest/client';
import type { Destination, HeaderValue } from './destination.js';
import { parseDestination } from './destination.js';
import { parseDuration } from './duration.js';
import type { PayloadSerializer } from './payload/serializer.js';
import { CONTENT_TYPE } from './payload/serializer.js';
import { RocketMQRecord } from './record.js';
import type { SendOptions } from './send-options.js';

/** The message for `payload`, and the options it is sent with: a record's own win over the call's. */
export interface Outgoing {
  readonly message: OutgoingMessage;
  readonly options: SendOptions;
}

/** Headers that rocketmq-spring takes as message settings instead of user properties (RocketMQUtil.getAndWrapMessage). */
const KEYS_HEADERS = ['KEYS', 'rocketmq_KEYS'] as const;

/** @throws ConfigurationError when the destination, a header or a delay is not usable */
export function toOutgoing(
  destination: Destination,
  data: unknown,
  callOptions: SendOptions,
  serializer: PayloadSerializer,
): Outgoing {
  const record = data instanceof RocketMQRecord ? data : undefined;
  const to = parseDestination(destination);
  const options = record === undefined ? callOptions : { ...callOptions, ...record.options };
  const { body, contentType } = serializer.serialize(record === undefined ? data : record.payload);
  const headers: Record<string, HeaderValue> = {
    [CONTENT_TYPE]: contentType,
    ...to.headers,
    ...callOptions.headers,
    ...record?.options.headers,
  };
  const tag = options.tag ?? to.tag;
  // One shape for all messages: what is not given is undefined, not absent.
  const message: OutgoingMessage = {
    topic: to.topic,
    body,
    properties: toProperties(headers),
    tags: tag === '' ? undefined : tag,
    keys: toKeys(options.keys ?? to.keys ?? keysIn(headers)),
    delayLevel: options.delayLevel,
    delayMs: options.delay === undefined ? undefined : parseDuration(options.delay),
    deliverAt: options.deliverAt,
    waitStoreOk: options.waitStoreOk,
    flag: options.flag,
  };
  return { message, options };
}

function keysIn(headers: Readonly<Record<string, HeaderValue>>): HeaderValue {
  for (const name of KEYS_HEADERS) {
    const value = headers[name];
    if (value !== undefined && value !== null && value !== '') return value;
  }
  return undefined;
}

/** Keys as the client takes them. */
export function toKeys(keys: HeaderValue | readonly string[]): string | string[] | undefined {
  if (keys === undefined || keys === null) return undefined;
  return isList(keys) ? [...keys] : String(keys);
}

const isList = (keys: HeaderValue | readonly string[]): keys is readonly string[] => Array.isArray(keys);

/** Headers as user properties: what RocketMQ cannot carry, or takes as keys, is left out. */
export function toProperties(headers: Readonly<Record<string, HeaderValue>>): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || value === null || value === '' || KEYS_HEADERS.includes(name as never)) continue;
    properties[name] = String(value);
  }
  return properties;
}
