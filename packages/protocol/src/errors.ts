/**
 * Error classes of all RocketNest packages.
 *
 * Every error has a stable `code` (for programs), a message (for people: what failed, where, the limit and the value, the next
 * step) and `context` (for logs). Whether trying again can help is decided once, in the table below.
 */

const errorTable = {
  /** An option or argument is wrong; nothing was sent. */
  ConfigurationError: { code: 'CONFIGURATION', retriable: false },
  /** No connection, or it broke before the answer came. */
  ConnectionError: { code: 'CONNECTION', retriable: true },
  /** No answer within the deadline. The peer may still have done the work. */
  TimeoutError: { code: 'TIMEOUT', retriable: true },
  /** Used after `close()`. */
  ClosedError: { code: 'CLOSED', retriable: false },
  /** Bytes that are not RocketMQ's protocol, or a field that is missing or malformed. */
  ProtocolError: { code: 'PROTOCOL', retriable: false },
  /** The peer answered with a response code other than the expected ones. */
  ResponseError: { code: 'RESPONSE', retriable: false },
  /** The name server knows no broker for the topic. */
  NoRouteError: { code: 'NO_ROUTE', retriable: true },
  /** The broker took the message but not with the durability asked for, or no broker took it. */
  SendError: { code: 'SEND', retriable: true },
  /** A message handler failed. */
  ConsumeError: { code: 'CONSUME', retriable: true },
  /** The message store cannot do what was asked. */
  StoreError: { code: 'STORE', retriable: false },
  /** Stored bytes are damaged. */
  CorruptError: { code: 'CORRUPT', retriable: false },
} as const;

export type ErrorName = keyof typeof errorTable;

/** Stable error codes, one per class. */
export type ErrorCode = (typeof errorTable)[ErrorName]['code'];

/** The table behind the classes: class name → code and default of `retriable`. */
export const ErrorTable: Readonly<Record<ErrorName, { readonly code: ErrorCode; readonly retriable: boolean }>> =
  errorTable;

export interface ErrorOptions {
  /** Facts for logs: topic, address, limit, value … Never message bodies or secrets. */
  readonly context?: Record<string, unknown>;
  readonly cause?: unknown;
  /** Overrides the table where one case differs from its class. */
  readonly retriable?: boolean;
}

/** Base class: `catch (e) { if (e instanceof RocketMQError) … }`. */
export class RocketMQError extends Error {
  readonly code: ErrorCode;
  /** True when the same call may succeed later. */
  readonly retriable: boolean;
  readonly context: Readonly<Record<string, unknown>>;

  protected constructor(name: ErrorName, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.code = errorTable[name].code;
    this.retriable = options.retriable ?? errorTable[name].retriable;
    this.context = Object.freeze({ ...options.context });
  }
}

export class ConfigurationError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('ConfigurationError', message, options);
  }
}

export class ConnectionError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('ConnectionError', message, options);
  }
}

export class TimeoutError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('TimeoutError', message, options);
  }
}

export class ClosedError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('ClosedError', message, options);
  }
}

export class ProtocolError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('ProtocolError', message, options);
  }
}

export interface ResponseErrorOptions extends ErrorOptions {
  /** Java: `ResponseCode`. */
  readonly responseCode: number;
  /** The peer's own words; null when it gave none. */
  readonly remark?: string | null;
}

export class ResponseError extends RocketMQError {
  readonly responseCode: number;
  readonly remark: string | null;

  constructor(message: string, options: ResponseErrorOptions) {
    super('ResponseError', message, options);
    this.responseCode = options.responseCode;
    this.remark = options.remark ?? null;
  }
}

export class NoRouteError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('NoRouteError', message, options);
  }
}

export interface SendErrorOptions extends ErrorOptions {
  /** `FLUSH_DISK_TIMEOUT`, `FLUSH_SLAVE_TIMEOUT`, `SLAVE_NOT_AVAILABLE`; absent when no broker answered. */
  readonly sendStatus?: string;
}

export class SendError extends RocketMQError {
  readonly sendStatus: string | undefined;

  constructor(message: string, options: SendErrorOptions = {}) {
    super('SendError', message, options);
    this.sendStatus = options.sendStatus;
  }
}

export class ConsumeError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('ConsumeError', message, options);
  }
}

export class StoreError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('StoreError', message, options);
  }
}

export class CorruptError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('CorruptError', message, options);
  }
}
