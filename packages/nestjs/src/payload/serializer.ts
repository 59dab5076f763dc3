import { ConfigurationError } from '@rocketnest/client';

/** The user property that says what a body is; rocketmq-spring sets it too (MessageHeaders.CONTENT_TYPE). */
export const CONTENT_TYPE = 'contentType';

export interface SerializedPayload {
  readonly body: Buffer;
  /** Sent as the `contentType` property, unless the caller gives that header. */
  readonly contentType?: string;
}

/** Turns a payload into the bytes of a message. */
export interface PayloadSerializer {
  serialize(payload: unknown): SerializedPayload;
}

/**
 * Writes what rocketmq-spring's default converters write: text as UTF-8, bytes as they are, anything else as JSON
 * (Jackson with dates as ISO 8601 text, as `JSON.stringify` has them). Of Spring's own headers only `contentType` is sent;
 * `id` and `timestamp` repeat the message id and the born timestamp, and Spring ignores them on arrival.
 */
export class JsonPayloadSerializer implements PayloadSerializer {
  serialize(payload: unknown): SerializedPayload {
    if (typeof payload === 'string')
      return { body: Buffer.from(payload, 'utf8'), contentType: 'text/plain;charset=UTF-8' };
    if (payload instanceof Uint8Array) {
      return {
        body: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
        contentType: 'application/octet-stream',
      };
    }
    return { body: Buffer.from(stringify(payload), 'utf8'), contentType: 'application/json' };
  }
}

function stringify(payload: unknown): string {
  let text: string | undefined;
  try {
    text = payload === null ? undefined : JSON.stringify(payload);
  } catch (cause) {
    throw new ConfigurationError(
      `The payload cannot be written as JSON: ${(cause as Error).message}. Send plain data, or set the module's serializer.`,
      { cause },
    );
  }
  if (text === undefined) {
    throw new ConfigurationError(
      `A payload of ${payload === null ? 'null' : typeof payload} has no JSON form. RocketMQ needs a body: send a string, bytes or an object.`,
    );
  }
  return text;
}
