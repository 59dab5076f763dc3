import { ProtocolError } from './errors.js';

/** What a sender needs to take a timer message back. Java: `RecallMessageHandle.HandleV1`. */
export interface RecallHandle {
  readonly topic: string;
  readonly brokerName: string;
  /** Until when it can be recalled, in ms since 1970, as text. */
  readonly timestamp: string;
  /** Unique id of the message. */
  readonly messageId: string;
}

const VERSION = 'v1';
const SEPARATOR = ' ';

/** `v1 topic brokerName timestamp messageId` in URL-safe Base64. */
export function encodeRecallHandle({ topic, brokerName, timestamp, messageId }: RecallHandle): string {
  const text = Buffer.from([VERSION, topic, brokerName, timestamp, messageId].join(SEPARATOR)).toString('base64url');
  return text + '='.repeat(-text.length & 3); // Java pads, Node does not
}

/** @throws ProtocolError when the text is not a handle of version 1 */
export function decodeRecallHandle(handle: string): RecallHandle {
  const isBase64 = /^[\w-]+={0,2}$/.test(handle);
  const items = isBase64 ? Buffer.from(handle, 'base64url').toString().split(SEPARATOR) : [];
  const [version, topic, brokerName, timestamp, messageId] = items;
  if (version !== VERSION || !topic || !brokerName || !timestamp || !messageId) {
    throw new ProtocolError('recall handle is invalid', { context: { handle } });
  }
  return { topic, brokerName, timestamp, messageId };
}
