import type { MessageExt } from '@rocketnest/client';
import { NonRetryableError } from '../outcome.js';
import { CONTENT_TYPE } from './serializer.js';

/** A payload's class as the compiler's metadata or `payloadType` names it; `Object` when it is an interface or unknown. */
export type PayloadType = abstract new (...args: never[]) => unknown;

/** Turns a message into what the handler gets. */
export interface PayloadDeserializer {
  /**
   * @param type class of the handler's payload parameter, when known
   * @throws NonRetryableError when the bytes can never be decoded; other errors have the message delivered again
   */
  deserialize(message: MessageExt, type: PayloadType | undefined): unknown;
}

/**
 * Reads what rocketmq-spring, this package and plain RocketMQ clients write.
 *
 * The handler's parameter type decides, as in rocketmq-spring's DefaultRocketMQListenerContainer.doConvertMessage: `String`
 * gets text, `Buffer` the bytes, any other class JSON. Where the type is an interface or unknown, the `contentType` property
 * decides; and where the sender set none, a body that starts like a JSON object or array is JSON and anything else is text.
 */
export class JsonPayloadDeserializer implements PayloadDeserializer {
  deserialize(message: MessageExt, type: PayloadType | undefined): unknown {
    const { body } = message;
    switch (formatOf(message, type)) {
      case 'bytes':
        return body;
      case 'text':
        return body.toString('utf8');
      case 'json':
        return parseJson(message);
    }
  }
}

type Format = 'json' | 'text' | 'bytes';

function formatOf({ body, properties }: MessageExt, type: PayloadType | undefined): Format {
  if (type !== undefined && type !== Object) return FORMAT_OF_TYPE.get(type) ?? 'json';
  const contentType = properties[CONTENT_TYPE];
  if (contentType === undefined) return looksLikeJson(body) ? 'json' : 'text';
  if (/^application\/(\S+\+)?json\b/i.test(contentType)) return 'json';
  return /^application\/octet-stream\b/i.test(contentType) ? 'bytes' : 'text';
}

const FORMAT_OF_TYPE: ReadonlyMap<PayloadType, Format> = new Map<PayloadType, Format>([
  [String, 'text'],
  [Buffer as unknown as PayloadType, 'bytes'],
  [Uint8Array, 'bytes'],
]);

const looksLikeJson = (body: Buffer): boolean => /^\s*[[{]/.test(body.toString('latin1', 0, 64));

function parseJson({ body, topic, msgId }: MessageExt): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new NonRetryableError(
      `The body of message ${msgId} of topic ${topic} (${body.length} bytes) is not JSON: ${(cause as Error).message}. ` +
        'If it is not meant to be, take it as String or Buffer, or set a deserializer.',
      { cause },
    );
  }
}
