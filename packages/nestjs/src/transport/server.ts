import type { MessageHandler, ReadPacket } from '@nestjs/microservices';
import { type BaseRpcContext, type CustomTransportStrategy, Server } from '@nestjs/microservices';
import type { MessageExt } from '@rocketnest/client';
import { ConfigurationError, ConsumeError, isRequest } from '@rocketnest/client';
import type { RocketMQConnection } from '../connection.js';
import type { RocketMQContext } from '../context.js';
import { formatSubscription } from '../destination.js';
import type { RunnableListener } from '../listeners/container.js';
import { RocketMQListenerContainer } from '../listeners/container.js';
import { planConsumers } from '../listeners/plan.js';
import { stopConsumers } from '../operations/shutdown.js';
import type { RocketMQModuleOptions } from '../options.js';
import { Replier } from '../reply.js';
import { connect, isGiven, type OwnConnectionOptions } from './own-connection.js';
import { parsePattern } from './pattern.js';
import { answer, outcomeOf } from './requests.js';
import type { RocketMQTransportEvents, RocketMQTransportStatus } from './status.js';
import { StatusReporter } from './status.js';

/** Transport id, to bind a handler to RocketMQ only in an application with several transports. */
export const ROCKETMQ_TRANSPORT: unique symbol = Symbol.for('rocketnest.transport');

interface TransportOptions {
  /** All handlers of this strategy are one consumer group. */
  readonly consumerGroup: string;
}

/** Either a connection that `RocketMQModule` made (`app.get(RocketMQConnection)`), or the same options as `forRoot` and a name. */
export type ServerRocketMQOptions = TransportOptions &
  (
    | {
        readonly connection: RocketMQConnection;
        /** Of this group, over the connection's: concurrency, consumeMode, maxReconsumeTimes, … */
        readonly consumer?: RocketMQModuleOptions['consumer'];
      }
    | OwnConnectionOptions
  );

/**
 * RocketMQ as a Nest microservice strategy.
 *
 * ```ts
 * app.connectMicroservice({ strategy: new ServerRocketMQ({ namesrvAddr: '127.0.0.1:9876', consumerGroup: 'orders' }) });
 *
 * @EventPattern('order:created || paid')
 * onOrder(@Payload() order: Order, @Ctx() context: RocketMQContext) {}
 *
 * @MessagePattern('price')
 * priceOf(item: string): Promise<number> {}
 * ```
 *
 * An event is consumed when its handler succeeded, a request when it is answered, if only with an error. Two handlers of one event run
 * together, and one's failure has both run again. Nest hides errors from transports; `RocketMQExceptionFilter` lets them through.
 */
export class ServerRocketMQ
  extends Server<RocketMQTransportEvents, RocketMQTransportStatus>
  implements CustomTransportStrategy
{
  override transportId: symbol = ROCKETMQ_TRANSPORT;
  /** Nest 12: failures reach us, so Nest need not report them itself. (Nest 11 has no such property.) */
  override readonly propagatesEventHandlerErrors: boolean = true;

  readonly #options: ServerRocketMQOptions;
  /** The one it was given, or its own. */
  readonly connection: RocketMQConnection;
  readonly #replier: Replier;
  readonly #reporter = new StatusReporter((status) => this._status$.next(status));
  #container: RocketMQListenerContainer | undefined;

  /** @throws ConfigurationError on bad options */
  constructor(options: ServerRocketMQOptions) {
    super();
    this.#options = options;
    this.connection = connectionOf(options);
    const { serializer, logger } = this.connection;
    this.#replier = new Replier(() => this.connection.producer, serializer, logger);
  }

  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    const key = formatSubscription(parsePattern(pattern));
    const other = this.messageHandlers.get(key);
    // Events may have several handlers. Of two answers to one request nobody could tell which counts.
    if (other !== undefined && !(isEventHandler && other.isEventHandler === true)) {
      throw new ConfigurationError(
        `'${key}' has two handlers, and one of them is a @MessagePattern: a request has one answer. ` +
          'Remove one, or give them different topics or tags.',
        { context: { pattern: key } },
      );
    }
    super.addHandler(key, callback, isEventHandler, extras);
  }

  override async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.connection.start();
      this.#container = this.#createContainer();
      await this.#container?.start();
      this.#reporter.follow(this.connection);
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /**
   * Stops fetching, waits up to `shutdownTimeoutMs` for running handlers, commits offsets, and closes the connection if it is its own. In an
   * application with RocketMQModule the handlers have finished by now: the module sees to that before anything is torn down.
   */
  override async close(): Promise<void> {
    const { connection } = this;
    const { shutdownTimeoutMs } = connection.options;
    const containers = this.#container === undefined ? [] : [this.#container];
    await stopConsumers([{ logger: connection.logger, shutdownTimeoutMs, containers }]);
    for (const container of containers) connection.transports.delete(container);
    if (!isGiven(this.#options)) await connection.close();
    this.#reporter.stop();
  }

  /** Runs the handlers of a pattern to their end. Rejects when one failed or there is none: the message comes again. */
  override async handleEvent(pattern: string, packet: ReadPacket, context: BaseRpcContext): Promise<unknown> {
    const handler = this.messageHandlers.get(pattern);
    if (handler === undefined) throw new ConsumeError(`There is no handler for '${pattern}'.`);
    return this.#withHooks(context, () => outcomeOf(handler, packet.data, context as RocketMQContext));
  }

  async #handle(pattern: string, message: MessageExt, context: RocketMQContext): Promise<unknown> {
    const run = async (): Promise<unknown> => {
      const data = await this.connection.deserializer.deserialize(message, undefined);
      return this.handleEvent(pattern, { pattern, data }, context);
    };
    if (!isRequest(message)) return run();
    if (!this.#isEvent(pattern)) return answer(this.#replier, this.connection.logger, pattern, context, run);
    this.connection.logger.warn(
      `Request ${message.msgId} came to @EventPattern('${pattern}'), which does not answer: the requester will time out. Use @MessagePattern.`,
    );
    return run();
  }

  #isEvent(pattern: string): boolean {
    return this.messageHandlers.get(pattern)?.isEventHandler === true;
  }

  #withHooks(context: BaseRpcContext, run: () => Promise<unknown>): Promise<unknown> {
    const running = async (): Promise<unknown> => {
      try {
        return await run();
      } finally {
        this.onProcessingEndHook?.(this.transportId, context);
      }
    };
    // A hook need not return what `done` returns, so the outcome takes its own way.
    return new Promise((resolve, reject) => {
      this.onProcessingStartHook(this.transportId, context, () => {
        const result = running();
        result.then(resolve, reject);
        return result.catch(() => undefined);
      });
    });
  }

  override unwrap<T>(): T {
    if (this.#container?.consumer === undefined)
      throw new Error('ServerRocketMQ is not listening. Await startAllMicroservices() first.');
    return this.#container.consumer as T;
  }

  /** `status` tells of name servers and brokers in detail. */
  override on<K extends keyof RocketMQTransportEvents>(event: K, callback: RocketMQTransportEvents[K]): void {
    this.#reporter.add(event, callback);
  }

  #createContainer(): RocketMQListenerContainer | undefined {
    const { consumerGroup } = this.#options;
    const listeners = [...this.messageHandlers.keys()].map((pattern) => this.#toListener(pattern, consumerGroup));
    const [plan] = planConsumers(listeners);
    if (plan === undefined) {
      this.connection.logger.warn(
        `No @EventPattern or @MessagePattern for the RocketMQ group ${consumerGroup}: nothing is consumed.`,
      );
      return undefined;
    }
    const container = new RocketMQListenerContainer(plan, this.connection, (event, about) =>
      this.connection.publish(event, about),
    );
    this.connection.transports.add(container);
    return container;
  }

  #toListener(pattern: string, group: string): RunnableListener {
    return {
      label: `@${this.#isEvent(pattern) ? 'Event' : 'Message'}Pattern('${pattern}')`,
      connection: this.connection.name,
      settings: {
        enabled: true,
        subscription: parsePattern(pattern),
        group,
        id: undefined,
        consumer: this.#options.consumer ?? {},
        delayLevel: 0,
        suspendMs: undefined,
      },
      invoke: (message, context) => this.#handle(pattern, message as MessageExt, context as RocketMQContext),
      // Decoding is part of handling: who sent a request that cannot be decoded is to hear of it.
      deserializer: { deserialize: (message) => message },
      payloadType: undefined,
    };
  }
}

function connectionOf(options: ServerRocketMQOptions): RocketMQConnection {
  if (typeof options.consumerGroup !== 'string' || options.consumerGroup.trim() === '') {
    throw new ConfigurationError("ServerRocketMQ needs a consumerGroup, for example consumerGroup: 'orders'.");
  }
  const { consumerGroup, ...rest } = options;
  return connect(rest, 'ServerRocketMQ', `transport-${consumerGroup}`);
}
