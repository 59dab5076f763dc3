import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { SendResult } from '@rocketnest/client';
import { RemoteReplyError } from '@rocketnest/client';
import { type Observable, Subject } from 'rxjs';
import type { RocketMQConnection } from '../connection.js';
import type { Destination } from '../destination.js';
import { parseDestination } from '../destination.js';
import { RPC_ERROR } from '../reply.js';
import { sendRequest } from '../request.js';
import { RocketMQTemplate } from '../template.js';
import { type ConnectionChoice, connect, isGiven } from './own-connection.js';
import type { RocketMQTransportEvents } from './status.js';
import { StatusReporter } from './status.js';

/** Either a connection that `RocketMQModule` made, or the same options as `forRoot` and a name. */
export type ClientRocketMQOptions = ConnectionChoice;

/**
 * RocketMQ behind Nest's ClientProxy: `emit('topic:tag', payload)` and `send('topic:tag', payload)`, with a `RocketMQRecord` as payload
 * for keys, headers or delay.
 *
 * The observable of `send` has one value, the reply. It fails as `RocketMQTemplate.request` does, and with what Nest's filters on the
 * other side made of an error (`{ status: 'error', message }`, or what an RpcException holds). A reply is waited for as long as
 * `replyTimeoutMs` says.
 *
 * ```ts
 * ClientsModule.register([{ name: 'ORDERS', customClass: ClientRocketMQ, options: { namesrvAddr: '127.0.0.1:9876' } }])
 * ```
 */
export class ClientRocketMQ extends ClientProxy<RocketMQTransportEvents> {
  /** The one it was given, or its own. */
  readonly connection: RocketMQConnection;
  readonly #isOwn: boolean;
  readonly #template: RocketMQTemplate;
  /** Nest's `customClass` only takes clients whose status is any string, so the type says no more. */
  readonly #reporter = new StatusReporter((status) => this._status$.next(status));

  /** @throws ConfigurationError on bad options */
  constructor(options: ClientRocketMQOptions) {
    super();
    this.#isOwn = !isGiven(options);
    this.connection = connect(options, 'ClientRocketMQ', 'ClientRocketMQ');
    this.#template = new RocketMQTemplate(this.connection);
  }

  override async connect(): Promise<void> {
    await this.connection.start();
    this.#reporter.follow(this.connection);
  }

  override async close(): Promise<void> {
    if (this.#isOwn) await this.connection.close();
    this.#reporter.stop();
  }

  override unwrap<T>(): T {
    return this.connection.producer as T;
  }

  /** `status` tells of name servers and brokers in detail. */
  override on<K extends keyof RocketMQTransportEvents>(event: K, callback: RocketMQTransportEvents[K]): void {
    this.#reporter.add(event, callback);
  }

  /**
   * As Nest's: the event is on its way whether somebody subscribes or not, and the observable has one value, what `dispatchEvent` resolves
   * to. Nest makes a chain of observables and their subscribers for each event, which costs more than sending it.
   */
  override emit<R = SendResult, I = unknown>(pattern: unknown, data: I): Observable<R> {
    // It has words for what is missing.
    if (pattern === undefined || pattern === null || data === undefined || data === null) {
      return super.emit(pattern, data);
    }
    const outcome = new Subject<R>();
    void this.#emit(pattern, data, outcome);
    return outcome;
  }

  async #emit<R>(pattern: unknown, data: unknown, outcome: Subject<R>): Promise<void> {
    try {
      await this.connect();
      // Nest 12 has a hook that may add metadata; 11 has neither.
      const packet = this.createPacket?.(pattern, data) ?? { pattern, data };
      outcome.next(await this.dispatchEvent<R>(packet));
      outcome.complete();
    } catch (error) {
      outcome.error(error);
    }
  }

  protected override dispatchEvent<T = SendResult>(packet: ReadPacket): Promise<T> {
    return this.#template.send(destinationOf(packet), packet.data) as Promise<T>;
  }

  /** Unsubscribing gives the request up; the replier may answer it nevertheless. */
  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const abort = new AbortController();
    const { signal } = abort;
    sendRequest(this.connection, destinationOf(packet), packet.data, { signal }).then(
      (response) => callback({ response, isDisposed: true }),
      (error: unknown) => signal.aborted || callback({ err: errorOf(error) }),
    );
    return () => abort.abort();
  }
}

/** With what Nest's dispatch hook (12) attached as headers, which the other side's context has. */
function destinationOf({ pattern, metadata }: ReadPacket): Destination {
  const destination = pattern as Destination;
  if (metadata === undefined) return destination;
  const { topic, tag, keys, headers } = parseDestination(destination);
  return { topic, tag, ...(keys === undefined ? {} : { keys }), headers: { ...headers, ...metadata } };
}

/** What the exception filters on the other side made of the error, which is what Nest's own transports report; else the error. */
function errorOf(error: unknown): unknown {
  if (!(error instanceof RemoteReplyError) || error.remoteName !== RPC_ERROR) return error;
  try {
    return JSON.parse(error.remoteMessage) as unknown;
  } catch {
    return error;
  }
}
