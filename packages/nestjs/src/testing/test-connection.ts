import type { DeadLetter } from '@rocketnest/client';
import { Admin, TimeoutError } from '@rocketnest/client';
import { RocketMQConnection } from '../connection.js';
import { parseDuration } from '../duration.js';
import type { RocketMQModuleOptions } from '../options.js';
import { DEFAULT_CONNECTION } from '../tokens.js';
import { ShiftedClock } from './shifted-clock.js';
import { findUnfinished } from './unfinished.js';

/** Pause between two looks at the cluster. */
const LOOK_INTERVAL_MS = 10;
const IDLE_TIMEOUT_MS = 25_000;

/** Delay levels take no time: a failed message comes again at once. Same number of levels as Apache has. */
export const NO_DELAYS = Array.from({ length: 18 }, () => '0s').join(' ');
/** Apache's delay levels, for `embedded: { broker: { messageDelayLevel: APACHE_DELAYS } }`, to be passed with `advance()`. */
export const APACHE_DELAYS = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

/** How the embedded broker differs from one in production, by Apache's keys. */
const QUICK_BROKER = {
  messageDelayLevel: NO_DELAYS,
  // A group's position passes messages that its tags do not match only when a pull ends: soon, instead of after 15 s.
  longPollingEnable: false,
  shortPollingTimeMills: 100,
  timerPrecisionMs: 100,
  transactionTimeOut: 2_000,
  transactionCheckInterval: 200,
  transactionOpBatchInterval: 50,
  // Time travels: nobody is taken for dead, and nothing for old, because of that.
  channelExpiredTimeout: Number.MAX_SAFE_INTEGER,
  fileReservedTime: 876_000,
  recallMessageEnable: true,
} as const;

/** Client options that make topics, groups and positions known at once. */
const QUICK = {
  client: { pollNameServerIntervalMs: 50, heartbeatBrokerIntervalMs: 500, requestTimeoutMs: 15_000 },
  producer: { sendTimeoutMs: 15_000 },
  consumer: { persistConsumerOffsetIntervalMs: 50 },
} satisfies RocketMQModuleOptions;

export interface IdleOptions {
  /** Default 25000. */
  readonly timeoutMs?: number;
}

/**
 * A connection for tests: a real name server and broker in this process, on free ports, in a temporary directory, with short
 * intervals. Or, with `namesrvAddr`, a cluster that is there already.
 *
 * `RocketMQTestingModule.forRoot()` provides one. Where the application imports RocketMQModule itself, put it in its place:
 *
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(RocketMQConnection).useValue(new RocketMQTestConnection())
 * ```
 */
export class RocketMQTestConnection extends RocketMQConnection {
  readonly #clock: ShiftedClock;
  #admin: Admin | undefined;

  /**
   * @param options as of `RocketMQModule.forRoot`; what they say wins over the short intervals
   * @param name for applications with several connections
   * @throws ConfigurationError naming the path of a bad option
   */
  constructor(options: RocketMQModuleOptions = {}, name: string = DEFAULT_CONNECTION) {
    const clock = new ShiftedClock();
    super(name, forTests(options, clock));
    this.#clock = clock;
  }

  /** The cluster as an administrator sees it. @throws ClosedError before start and after close */
  get admin(): Admin {
    if (this.#admin?.instance !== this.instance) this.#admin = new Admin(this.instance);
    return this.#admin;
  }

  /**
   * Resolves when nothing is left to do: every message sent so far is consumed by all groups that subscribe to it, or dead; nothing
   * waits for its time, for a retry or for the outcome of a transaction; and no handler runs. Await your sends before.
   *
   * Groups without a running consumer, and topics without subscribers, count for nothing.
   * @throws TimeoutError listing what is unfinished
   */
  async idle({ timeoutMs = IDLE_TIMEOUT_MS }: IdleOptions = {}): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const unfinished = await findUnfinished(this.admin);
      if (unfinished.length === 0) return;
      if (Date.now() >= deadline) {
        throw new TimeoutError(
          `RocketMQ is not idle after ${timeoutMs} ms: ${unfinished.join('; ')}. Delayed messages need advance(), paused listeners resume().`,
          { context: { unfinished } },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }

  /**
   * Puts the embedded broker's clock forward: what is due by then is delivered within a second, and `idle()` waits for it. The
   * application's own clock stays as it is.
   * @param by `'15m'`, `'2h'` or milliseconds
   */
  advance(by: string | number): void {
    this.#clock.advance(parseDuration(by));
  }

  /** The first hundred messages that a group gave up, with the reason where it is known. */
  async deadLetters(group: string): Promise<readonly DeadLetter[]> {
    return (await this.admin.deadLetters.list(group, { limit: 100 })).items;
  }
}

function forTests(options: RocketMQModuleOptions, clock: ShiftedClock): RocketMQModuleOptions {
  const { embedded } = options;
  const given = typeof embedded === 'object' ? embedded : {};
  const isCluster = embedded === undefined && (options.namesrvAddr ?? options.nameServerEndpoint) !== undefined;
  return {
    ...options,
    ...(isCluster ? {} : { embedded: { ...given, broker: { ...QUICK_BROKER, clock, ...given.broker } } }),
    client: { ...QUICK.client, ...options.client },
    producer: { ...QUICK.producer, ...options.producer },
    consumer: { ...QUICK.consumer, ...options.consumer },
  };
}
