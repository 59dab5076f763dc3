import type { MessageHandler, ReadPacket } from '@nestjs/microservices';
import { type BaseRpcContext, type CustomTransportStrategy, Server } from '@nestjs/microservices';
import type { MessageExt } from '@rocketnest/client';
import { ConfigurationError, ConsumeError, isRequest } from '@rocketnest/client';
import type { RocketMQConnection } from '../connection.js';
import type { RocketMQContext } from '../context.js';
import { isPromise } from '../last-value.js';
import type { RunnableListener } from '../listeners/container.js';
import { RocketMQListenerContainer } from '../listeners/container.js';
import { planConsumers } from '../listeners/plan.js';
import { stopConsumers } from '../operations/shutdown.js';
import type { RocketMQModuleOptions } from '../options.js';
import { Replier } from '../reply.js';
import { connect, isGiven, type OwnConnectionOptions } from './own-connection.js';
import { answer, outcomeOf } from './requests.js';
import { type RocketMQHandlerExtras, type Route, refuseTwoAnswers, routeOf } from './routes.js';
import type { RocketMQTransportEvents, RocketMQTransportStatus } from './status.js';
import { StatusReporter } from './status.js';

/** Transport id, to bind a handler to RocketMQ only in an application with several transports. */
export const ROCKETMQ_TRANSPORT: unique symbol = Symbol.for('rocketnest.transport');

interface TransportOptions {
  /** All handlers of this strategy are one consumer group, but for those that name another (`RocketMQHandlerExtras`). */
  readonly consumerGroup: string;
}

/** Either a connection that `RocketMQModule` made (`app.get(RocketMQConnection)`), or the same options as `forRoot` and a name. */
export type ServerRocketMQOptions = TransportOptions &
  (
    | {
        readonly connection: RocketMQConnection;
        /** Of its groups, over the connection's: concurrency, consumeMode, maxReconsumeTimes, … */
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
 * together, and one's failure has both run again, unless one has a consumer group of its own. Nest hides errors from transports; `RocketMQExceptionFilter` lets them through.
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
  readonly #routes = new Map<string, Route>();
  /** Nest's own, which does nothing. */
  readonly #noStartHook = this.onProcessingStartHook;
  /** One for each group. */
  #containers: readonly RocketMQListenerContainer[] = [];

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
    extras: Record<string, unknown> & RocketMQHandlerExtras = {},
  ): void {
    const route = routeOf(pattern, extras, this.#options.consumerGroup);
    const other = this.messageHandlers.get(route.key);
    if (other !== undefined && !(isEventHandler && other.isEventHandler === true)) refuseTwoAnswers(route);
    this.#routes.set(route.key, route);
    super.addHandler(route.key, callback, isEventHandler, extras);
  }

  override async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.connection.start();
      this.#containers = this.#createContainers();
      for (const container of this.#containers) await container.start();
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
    await stopConsumers([{ logger: connection.logger, shutdownTimeoutMs, containers: this.#containers }]);
    for (const container of this.#containers) connection.transports.delete(container);
    if (!isGiven(this.#options)) await connection.close();
    this.#reporter.stop();
  }

  /** Runs the handlers known by `key` to their end. Rejects when one failed or there is none: the message comes again. */
  override handleEvent(key: string, packet: ReadPacket, context: BaseRpcContext): Promise<unknown> {
    const handler = this.messageHandlers.get(key);
    if (handler === undefined) return Promise.reject(new ConsumeError(`There is no handler for '${key}'.`));
    const run = (): Promise<unknown> => outcomeOf(handler, packet.data, context as RocketMQContext);
    // The way through hooks takes promises of its own for each message.
    return this.#hasHooks ? this.#withHooks(context, run) : run();
  }

  #handle({ key, pattern }: Route, message: MessageExt, context: RocketMQContext): unknown {
    // No promise around the one of handleEvent unless decoding has one.
    const run = (): unknown => {
      const data = this.connection.deserializer.deserialize(message, undefined);
      return isPromise(data)
        ? data.then((decoded) => this.handleEvent(key, { pattern, data: decoded }, context))
        : this.handleEvent(key, { pattern, data }, context);
    };
    if (!isRequest(message)) return run();
    if (!this.#isEvent(key)) return answer(this.#replier, this.connection.logger, pattern, context, run);
    this.connection.logger.warn(
      `Request ${message.msgId} came to @EventPattern('${pattern}'), which does not answer: the requester will time out. Use @MessagePattern.`,
    );
    return run();
  }

  #isEvent(key: string): boolean {
    return this.messageHandlers.get(key)?.isEventHandler === true;
  }

  get #hasHooks(): boolean {
    return this.onProcessingStartHook !== this.#noStartHook || this.onProcessingEndHook !== undefined;
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

  /** The client's consumer; a list of them where handlers have groups of their own. */
  override unwrap<T>(): T {
    const consumers = this.#containers.flatMap(({ consumer }) => consumer ?? []);
    if (consumers.length === 0)
      throw new Error('ServerRocketMQ is not listening. Await startAllMicroservices() first.');
    return (consumers.length === 1 ? consumers[0] : consumers) as T;
  }

  /** `status` tells of name servers and brokers in detail. */
  override on<K extends keyof RocketMQTransportEvents>(event: K, callback: RocketMQTransportEvents[K]): void {
    this.#reporter.add(event, callback);
  }

  #createContainers(): RocketMQListenerContainer[] {
    const plans = planConsumers([...this.#routes.values()].map((route) => this.#toListener(route)));
    if (plans.length === 0) {
      this.connection.logger.warn(
        `No @EventPattern or @MessagePattern for the RocketMQ group ${this.#options.consumerGroup}: nothing is consumed.`,
      );
    }
    return plans.map((plan) => {
      const container = new RocketMQListenerContainer(plan, this.connection, (event, about) =>
        this.connection.publish(event, about),
      );
      this.connection.transports.add(container);
      return container;
    });
  }

  #toListener(route: Route): RunnableListener {
    const { key, pattern, subscription, group } = route;
    return {
      label: `@${this.#isEvent(key) ? 'Event' : 'Message'}Pattern('${pattern}')`,
      connection: this.connection.name,
      settings: {
        enabled: true,
        subscription,
        group,
        id: undefined,
        consumer: this.#options.consumer ?? {},
        delayLevel: 0,
        suspendMs: undefined,
      },
      invoke: (message, context) => this.#handle(route, message as MessageExt, context as RocketMQContext),
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
