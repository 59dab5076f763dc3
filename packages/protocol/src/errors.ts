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
  /** What answers at an address is not what is expected there: another protocol, no TLS, a broker in place of a name server. */
  WrongPeerError: { code: 'WRONG_PEER', retriable: false },
  /** No answer within the deadline. The peer may still have done the work. */
  TimeoutError: { code: 'TIMEOUT', retriable: true },
  /** Used after `close()`. */
  ClosedError: { code: 'CLOSED', retriable: false },
  /** Bytes that are not RocketMQ's protocol, or a field that is missing or malformed. */
  ProtocolError: { code: 'PROTOCOL', retriable: false },
  /** A request message was sent and no reply came within the deadline. The replier may still have done the work. */
  RequestTimeoutError: { code: 'REQUEST_TIMEOUT', retriable: true },
  /** The replier answered a request message with an error of its own. */
  RemoteReplyError: { code: 'REMOTE_REPLY', retriable: false },
  /** The peer answered with a response code other than the expected ones. */
  ResponseError: { code: 'RESPONSE', retriable: false },
  /** A change was made on some brokers and failed on others. */
  PartialError: { code: 'PARTIAL', retriable: true },
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

export class WrongPeerError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('WrongPeerError', message, options);
  }
}

export class TimeoutError extends RocketMQError {
  constructor(message: string, options?: ErrorOptions) {
    super('TimeoutError', message, options);
  }
}

export interface RequestTimeoutErrorOptions extends ErrorOptions {
  /** Groups that have members who subscribe to the topic; undefined when no broker could be asked. */
  readonly responders?: readonly string[] | undefined;
}

/** Java: `RequestTimeoutException`. */
export class RequestTimeoutError extends RocketMQError {
  readonly responders: readonly string[] | undefined;

  constructor(message: string, options: RequestTimeoutErrorOptions = {}) {
    super('RequestTimeoutError', message, options);
    this.responders = options.responders;
  }
}

export interface RemoteReplyErrorOptions extends ErrorOptions {
  /** Class of the error on the other side. */
  readonly remoteName: string;
  /** Its message. */
  readonly remoteMessage: string;
  /** Its `code`, if it had one. */
  readonly remoteCode?: string | undefined;
}

export class RemoteReplyError extends RocketMQError {
  readonly remoteName: string;
  readonly remoteMessage: string;
  readonly remoteCode: string | undefined;

  constructor(message: string, options: RemoteReplyErrorOptions) {
    super('RemoteReplyError', message, options);
    this.remoteName = options.remoteName;
    this.remoteMessage = options.remoteMessage;
    this.remoteCode = options.remoteCode;
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

export interface PartialErrorOptions extends ErrorOptions {
  /** Names of the brokers that made the change. */
  readonly done: readonly string[];
  readonly failures: readonly { readonly brokerName: string; readonly address: string; readonly error: Error }[];
}

/** Changes of the admin are safe to repeat: repeat this one when the brokers in `failures` answer again. */
export class PartialError extends RocketMQError {
  readonly done: readonly string[];
  readonly failures: PartialErrorOptions['failures'];

  constructor(message: string, options: PartialErrorOptions) {
    super('PartialError', message, options);
    this.done = options.done;
    this.failures = options.failures;
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
