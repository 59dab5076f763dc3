import {
  CommandFlag,
  createResponse,
  type DecodedCommand,
  isOneway,
  type RemotingCommand,
  ResponseCode,
  ResponseError,
  requestCodeName,
} from '@rocketnest/protocol';
import type { Connection } from './connection.js';
import type { Logger } from './logger.js';

/**
 * Handles the requests of one code. What it returns is the response; `undefined` means the processor answers later through
 * `connection.respond` or `connection.writeFrame`, or never for a one-way request. A thrown ResponseError becomes a response
 * with its code and remark, anything else SYSTEM_ERROR.
 */
export type Processor = (
  request: DecodedCommand,
  connection: Connection,
  // biome-ignore lint/suspicious/noConfusingVoidType: a processor without a return statement answers later
) => RemotingCommand | void | Promise<RemotingCommand | void>;

/** Request code → processor. */
export type ProcessorTable = ReadonlyMap<number, Processor>;

/** Held pulls count, so this leaves room for a consumer of many queues. */
export const DEFAULT_MAX_IN_FLIGHT = 65_535;

/** Finds the processor of a request and sends what it returns (Java: `NettyRemotingAbstract.processRequestCommand`). */
export class Dispatcher {
  readonly #processors: ProcessorTable;
  readonly #defaultProcessor: Processor | undefined;
  readonly #logger: Logger;

  readonly #maxInFlight: number;

  constructor(
    processors: ProcessorTable,
    defaultProcessor: Processor | undefined,
    logger: Logger,
    maxInFlightPerConnection = DEFAULT_MAX_IN_FLIGHT,
  ) {
    this.#maxInFlight = maxInFlightPerConnection;
    this.#processors = processors;
    this.#defaultProcessor = defaultProcessor;
    this.#logger = logger;
  }

  readonly dispatch = (request: DecodedCommand, connection: Connection): void => {
    const processor = this.#processors.get(request.code) ?? this.#defaultProcessor;
    if (processor === undefined) {
      this.#logger.warn(`request type ${request.code} not supported`, { address: connection.remoteAddress });
      const remark = ` request type ${request.code} not supported`;
      answer(request, createResponse(request, ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark), connection);
      return;
    }
    if (connection.inFlight > this.#maxInFlight) {
      const remark = '[OVERLOAD]system busy, start flow control for a while';
      answer(request, createResponse(request, ResponseCode.SYSTEM_BUSY, remark), connection);
      return;
    }
    try {
      const result = processor(request, connection);
      if (result === undefined) return;
      if (result instanceof Promise) {
        result.then(
          (response) => response && answer(request, response, connection),
          (error) => this.#fail(request, error, connection),
        );
      } else answer(request, result, connection);
    } catch (error) {
      this.#fail(request, error, connection);
    }
  };

  #fail(request: RemotingCommand, error: unknown, connection: Connection): void {
    if (error instanceof ResponseError) {
      answer(request, createResponse(request, error.responseCode, error.remark ?? error.message), connection);
      return;
    }
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    this.#logger.error(`${requestCodeName(request.code)} from ${connection.remoteAddress} failed: ${message}`, {
      stack,
    });
    answer(request, createResponse(request, ResponseCode.SYSTEM_ERROR, `${name}: ${message}`), connection);
  }
}

function answer(request: RemotingCommand, response: RemotingCommand, connection: Connection): void {
  if (isOneway(request)) return;
  response.opaque = request.opaque;
  response.flag |= CommandFlag.RESPONSE;
  connection.respond(response);
}
