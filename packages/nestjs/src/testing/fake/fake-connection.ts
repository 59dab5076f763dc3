import type { MessageExt, Producer, PushConsumer, SharedPushConsumerOptions } from '@rocketnest/client';
import { ClientInstance, ConfigurationError } from '@rocketnest/client';
import { RocketMQConnection } from '../../connection.js';
import { RocketMQContext } from '../../context.js';
import type { Destination } from '../../destination.js';
import { parseDuration } from '../../duration.js';
import type { RocketMQModuleOptions } from '../../options.js';
import { toOutgoing } from '../../outgoing.js';
import type { SendOptions } from '../../send-options.js';
import { DEFAULT_CONNECTION } from '../../tokens.js';
import type { TransactionRouter } from '../../transactions/router.js';
import { FakeBroker } from './fake-broker.js';
import { FakeConsumer } from './fake-consumer.js';
import type { FakeDelivery } from './fake-group.js';
import { FakeProducer } from './fake-producer.js';

/** Nothing listens there, and nothing is asked. */
const NOWHERE = '127.0.0.1:1';
const PRODUCER_GROUP = 'rocketnest-fake';

/** A client that never becomes one: producers and consumers take their options and message ids from it. */
class UnconnectedInstance extends ClientInstance {
  override async start(): Promise<void> {}
  override async close(): Promise<void> {}
}

/** A message that the application sent. */
export interface SentMessage {
  readonly topic: string;
  readonly tag: string | undefined;
  readonly keys: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded by the connection's deserializer. */
  readonly payload: unknown;
  /** As consumers see it. */
  readonly message: MessageExt;
}

/**
 * RocketMQ in memory, for unit tests of listeners and senders: no port, no file, and time that passes only when told to. Listeners run
 * with their pipes, guards, interceptors and filters; retries, dead letters, delays, order, requests and transaction checks are
 * those of a broker with Apache's defaults. What it cannot do says so: pull consumers, Admin.
 *
 * `RocketMQTestingModule.fake()` provides one. Where the application imports RocketMQModule itself:
 *
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(RocketMQConnection).useValue(new RocketMQFakeConnection())
 * ```
 */
export class RocketMQFakeConnection extends RocketMQConnection {
  readonly #broker = new FakeBroker();
  readonly #instance: ClientInstance;
  readonly #producer: FakeProducer;
  readonly #sent: MessageExt[] = [];
  #router: TransactionRouter | undefined;

  /**
   * @param options as of `RocketMQModule.forRoot`; addresses count for nothing
   * @throws ConfigurationError naming the path of a bad option
   */
  constructor(
    { embedded: _, nameServerEndpoint: __, ...options }: RocketMQModuleOptions = {},
    name: string = DEFAULT_CONNECTION,
  ) {
    super(name, { ...options, namesrvAddr: NOWHERE });
    this.#instance = new UnconnectedInstance({ ...options.client, namesrvAddr: NOWHERE });
    const group = options.producer?.group ?? PRODUCER_GROUP;
    this.#producer = new FakeProducer(
      { ...options.producer, group, checker: (message) => this.#checkTransaction(message) },
      this.#instance,
      this.#broker,
      (message) => this.#sent.push(message),
    );
  }

  override get isRunning(): boolean {
    return this.#producer.running;
  }

  override get producer(): Producer {
    return this.#producer;
  }

  override get instance(): ClientInstance {
    return this.#instance;
  }

  override newInstance(): ClientInstance {
    return this.#instance;
  }

  /** For listener containers. */
  newConsumer(options: SharedPushConsumerOptions, instance: ClientInstance): PushConsumer {
    return new FakeConsumer(options, instance, this.#broker);
  }

  override async start(): Promise<void> {}

  override close(): Promise<void> {
    return this.#producer.close();
  }

  /** Every topic exists. */
  override async ensureTopics(): Promise<void> {}

  override useTransactions(router: TransactionRouter): void {
    this.#router = router;
    super.useTransactions(router);
  }

  /**
   * Has a message consumed as if another application had sent it; it is not in `sent()`. Resolves when the handlers of all groups that
   * subscribe to it have finished their first attempt, to what became of it in each.
   * @param payload as of `RocketMQTemplate.send`; bytes for bodies that are to be broken
   * @throws ConfigurationError when nobody subscribes to it
   */
  async deliver(
    destination: Destination,
    payload: unknown,
    options: SendOptions = {},
  ): Promise<readonly FakeDelivery[]> {
    const { message } = toOutgoing(destination, payload, options, this.serializer);
    const deliveries = await this.#broker.deliver(this.#producer.store(message, options));
    if (deliveries.length > 0) return deliveries;
    throw new ConfigurationError(
      `Nobody subscribes to topic ${message.topic}, tag ${message.tags ?? '(none)'}. Groups: ${this.#broker.describe()}.`,
      { context: { topic: message.topic } },
    );
  }

  /** What the application sent so far, in order; delayed messages at once, those of transactions when they are committed. */
  sent(topic?: string): readonly SentMessage[] {
    const found = this.#sent.filter((message) => topic === undefined || message.topic === topic);
    return found.map((message) => this.#describe(message));
  }

  /** Forgets what was sent so far. */
  clearSent(): void {
    this.#sent.length = 0;
  }

  /** Resolves when no handler runs. What waits for its time stays: see `advance`. */
  idle(): Promise<void> {
    return this.#broker.idle();
  }

  /**
   * Lets time pass and resolves when everything due by then has happened: delayed messages, retries, transaction checks, and what
   * follows from them. `Date.now()` stays as it is.
   * @param by `'15m'`, `'2h'` or milliseconds
   */
  advance(by: string | number): Promise<void> {
    return this.#broker.time.advance(parseDuration(by), () => this.#broker.idle());
  }

  /** Messages that a group gave up, oldest first. `properties.ROCKETNEST_DLQ_REASON` says why, where it is known. */
  deadLetters(group: string): readonly SentMessage[] {
    return this.#broker.deadLetters(group).map((message) => this.#describe(message));
  }

  async #checkTransaction(message: MessageExt) {
    if (this.#router === undefined) return 'UNKNOWN' as const;
    return this.#router.check(message, (text, cause) =>
      this.logger.error(text, cause instanceof Error ? cause.stack : cause),
    );
  }

  #describe(message: MessageExt): SentMessage {
    const context = new RocketMQContext([message, { connection: this.name, group: '' }]);
    const { deserializer } = this;
    return {
      topic: message.topic,
      tag: context.getTag(),
      keys: context.getKeys(),
      headers: context.getHeaders(),
      // Bytes that are no payload are of no concern to those who look at the rest.
      get payload() {
        return deserializer.deserialize(message, undefined);
      },
      message,
    };
  }
}
