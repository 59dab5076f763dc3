import { lookup } from 'node:dns/promises';
import { join } from 'node:path';
import {
  ClosedError,
  ConfigurationError,
  createRequest,
  type Host,
  Requests,
  SystemTopic,
  TIMER_TOPIC,
} from '@rocketnest/protocol';
import {
  type Connection,
  type Logger,
  RemotingClient,
  RemotingServer,
  silentLogger,
  tlsOf,
} from '@rocketnest/remoting';
import { type Files, isHourOf, MessageStore } from '@rocketnest/store';
import type { Clock } from './clock.js';
import { ConsumerTable } from './consumers.js';
import type { BrokerContext } from './context.js';
import { DelayService } from './delay/delay-service.js';
import { ConsumerFilterTable } from './filter/consumer-filters.js';
import { GroupTable } from './groups.js';
import { Jobs } from './jobs.js';
import { LiveOptions } from './live-options.js';
import { OffsetTable } from './offsets.js';
import { type BrokerOptions, type BrokerOptionValues, resolveBrokerOptions } from './options.js';
import { PopService } from './pop/pop-service.js';
import { processorTable } from './processors/index.js';
import { retryPull } from './processors/pull.js';
import { ProducerTable } from './producers.js';
import { PullHold } from './pull-hold.js';
import { createPutMessage } from './put.js';
import { QueueLocks } from './queue-locks.js';
import { Registration } from './registration.js';
import { CLEAN_INTERVAL_MS, cleanMappings } from './static-topic/clean.js';
import { MappingTable } from './static-topic/mapping-table.js';
import { PeerBrokers } from './static-topic/peer-brokers.js';
import { StaticTopics } from './static-topic/static-topics.js';
import { BrokerStats } from './stats.js';
import { TimerService } from './timer/timer-service.js';
import { TopicTable } from './topics.js';
import { TransactionService } from './transaction/transaction-service.js';
import { unsupported } from './unsupported.js';

/** Apache's keys (see the option table) plus what is not text. */
export interface BrokerOptionsInput extends BrokerOptionValues {
  /** Keys of the configuration file that Apache knows and this broker does not obey: shown and written as they are. */
  readonly foreignOptions?: ReadonlyMap<string, string>;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Default: the system clock. */
  readonly clock?: Clock;
  /** The disk that the store uses; another one is for tests. */
  readonly files?: Files;
}

/** The parts of a broker that have a start and a stop of their own, beside what all parts share. */
interface Composition {
  readonly context: BrokerContext;
  readonly delay: DelayService;
  readonly timers: TimerService;
  readonly transactions: TransactionService;
  readonly pop: PopService;
}

/** Java: `ClientHousekeepingService`. */
const EXPIRY_SCAN_MS = 10_000;
/** Topics, groups and offsets that changed are written at least this often. */
const CONFIG_SAVE_MS = 1_000;

/**
 * A RocketMQ broker. Constructing does nothing yet; {@link start} recovers the store, listens and registers with the name
 * servers; {@link close} undoes that in reverse, answering what is under way.
 */
export class Broker {
  /** The current values; they change with UPDATE_BROKER_CONFIG. */
  readonly options: BrokerOptions;
  /** The request codes that it answers; others get REQUEST_CODE_NOT_SUPPORTED. */
  readonly requestCodes: readonly number[];
  private readonly parts: Composition;
  private readonly server: RemotingServer;
  private readonly client: RemotingClient;
  private started = false;
  private storeHost: Host;
  private closing: Promise<void> | null = null;

  /** @throws ConfigurationError for unknown keys and values out of range */
  constructor({ logger = silentLogger, clock = Date, foreignOptions, files, ...values }: BrokerOptionsInput = {}) {
    const live = new LiveOptions({ options: resolveBrokerOptions(values), foreign: foreignOptions, clock, logger });
    this.options = live.current;
    this.storeHost = { address: '127.0.0.1', port: this.options.listenPort };
    const tls = tlsOf(this.options);
    this.client = new RemotingClient({ logger, tls: tls.client });
    this.parts = this.compose(live, logger, clock, files);
    const { context } = this.parts;
    const processors = processorTable(context);
    this.requestCodes = [...processors.keys()];
    this.server = new RemotingServer({
      host: this.options.bindAddress,
      port: this.options.listenPort,
      processors,
      defaultProcessor: unsupported,
      idleTimeoutMs: () => this.options.serverChannelMaxIdleTimeSeconds * 1_000,
      tls: tls.server,
      logger,
      onConnect: () => context.stats.channel('CONNECT'),
      onDisconnect: (connection) => {
        context.stats.channel('CLOSE');
        context.producers.connectionClosed(connection);
        context.consumers.connectionClosed(connection);
      },
    });
  }

  /** The port that the broker listens on; real after {@link start} also when `listenPort` is 0. */
  get port(): number {
    return this.storeHost.port;
  }

  /** `brokerIP1:port`: what clients connect to. */
  get address(): string {
    return this.parts.context.address;
  }

  /**
   * Rejects with CorruptError or StoreError when the data directory cannot be used, ConnectionError when the port cannot be
   * listened on; the broker is closed then.
   */
  async start(): Promise<void> {
    if (this.closing !== null) throw new ClosedError('the broker was closed: make a new one');
    try {
      await this.open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  private async open(): Promise<void> {
    const { context, delay, timers, transactions, pop } = this.parts;
    const { topics, groups, offsets, store, registration, jobs, stats, pullHold, filters } = context;
    await Promise.all([topics.file.load(), groups.file.load(), offsets.file.load(), filters.file.load(), pop.load()]);
    await context.staticTopics.table.file.load();
    await store.start();
    await pop.recover();
    store.onMessageArrived = (topic, queueId, maxOffset, tagsCode, _storeTimestamp, properties) => {
      if (topic === SystemTopic.SCHEDULE) delay.arrived(queueId);
      else if (topic === TIMER_TOPIC) timers.arrived();
      else {
        pullHold.arrived(topic, queueId, maxOffset, tagsCode, properties);
        pop.arrived(topic, queueId, maxOffset, tagsCode, properties);
      }
    };
    // The port first: it is part of every message that the services store. (Java's order, too.)
    const address = await addressOf(this.options.brokerIP1);
    await this.server.start();
    this.started = true;
    this.storeHost = { address, port: this.server.port };
    await delay.start();
    await timers.start();
    await transactions.start();
    pop.start();
    await registration.start();

    jobs.every(BrokerStats.sampleIntervalMs, 'sample statistics', () => stats.sample());
    const { options } = this;
    jobs.every(
      () => (options.longPollingEnable ? PullHold.sweepIntervalMs : options.shortPollingTimeMills),
      'sweep held pulls',
      () => pullHold.sweep(),
    );
    jobs.every(EXPIRY_SCAN_MS, 'drop silent clients', () => {
      context.producers.expire();
      context.consumers.expire();
    });
    jobs.every(CONFIG_SAVE_MS, 'save topics and groups', async () => {
      await topics.file.save();
      await groups.file.save();
    });
    jobs.every(CLEAN_INTERVAL_MS, 'clean static topics', async () => {
      if (isHourOf(options.deleteWhen, context.clock.now())) await cleanMappings(context);
      await context.staticTopics.table.file.save();
    });
    jobs.every(ConsumerFilterTable.saveIntervalMs, 'save consumer filters', () => filters.file.save());
    jobs.every(
      () => options.flushConsumerOffsetInterval,
      'save consumer offsets',
      () => offsets.file.save(),
    );
    jobs.every(
      () => options.registerNameServerPeriod,
      'register with name servers',
      () => registration.registerNow(),
    );
  }

  /** Stops in the order clients need: no new routes, no new requests, then services, then the store. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.stop();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async stop(): Promise<void> {
    const { context, delay, timers, transactions, pop } = this.parts;
    const { topics, groups, offsets, filters, store, registration, jobs, pullHold } = context;
    await registration.close();
    pullHold.close();
    pop.release();
    await this.server.close();
    transactions.stopChecking();
    await jobs.close();
    await pop.close();
    await transactions.close();
    await delay.close();
    await timers.close();
    if (this.started) {
      await Promise.all([topics.file.save(), groups.file.save(), offsets.file.save(), filters.file.save()]);
      await context.staticTopics.table.file.save();
    }
    await store.close();
    await this.client.close();
  }

  private compose(live: LiveOptions, logger: Logger, clock: Clock, files?: Files): Composition {
    const { options } = this;
    const broker = this;
    const configFile = (name: string): string => join(options.storePathRootDir, 'config', name);
    const store = new MessageStore({
      live: options,
      rootDir: options.storePathRootDir,
      logger,
      clock,
      queueTypeOf: (topic) => (topics.isBatchQueue(topic) ? 'BatchCQ' : 'SimpleCQ'),
      ...(files && { files }),
    });
    const topics: TopicTable = new TopicTable({
      options,
      clock,
      logger,
      path: configFile('topics.json'),
      onChange: () => registration.topicChanged(),
    });
    const staticTopics = new StaticTopics(
      new MappingTable({ clock, brokerName: options.brokerName, path: configFile('topicQueueMapping.json') }),
      new PeerBrokers({ options, clock, client: this.client }),
    );
    const registration = new Registration({
      options,
      logger,
      client: this.client,
      topics,
      mappings: staticTopics.table,
      address: () => context.address,
      haAddress: () => `${options.brokerIP2}:${options.haListenPort || broker.port + 1}`,
    });
    const pullHold: PullHold = new PullHold({
      clock,
      maxOffset: (topic, queueId) => store.maxOffset(topic, queueId),
      retry: (pull) => retryPull(context, pull),
    });
    const context: BrokerContext = {
      options,
      liveOptions: live,
      logger,
      clock,
      jobs: new Jobs(logger),
      store,
      topics,
      staticTopics,
      groups: new GroupTable({ options, clock, logger, path: configFile('subscriptionGroup.json') }),
      offsets: new OffsetTable({ options, clock, path: configFile('consumerOffset.json') }),
      producers: new ProducerTable(clock, logger),
      consumers: new ConsumerTable({
        options,
        clock,
        logger,
        notify: (group, members) => {
          if (options.notifyConsumerIdsChangedEnable) notifyMembers(group, members, logger);
        },
        onGroupGone: (group) => context.filters.unregister(group),
      }),
      filters: new ConsumerFilterTable({ options, clock, logger, path: configFile('consumerFilter.json') }),
      queueLocks: new QueueLocks(clock),
      underWay: { replies: 0, pulls: 0 },
      pullHold,
      stats: new BrokerStats(clock, options),
      registration,
      get delay() {
        return delay;
      },
      get timers() {
        return timers;
      },
      get transactions() {
        return transactions;
      },
      get pop() {
        return pop;
      },
      get address() {
        return `${options.brokerIP1}:${broker.port}`;
      },
      get storeHost() {
        return broker.storeHost;
      },
      configFile,
      putMessage: (message, done) => put(message, done),
    };
    const delay = new DelayService(context);
    const timers = new TimerService(context);
    const transactions = new TransactionService(context);
    const pop = new PopService(context, this.client);
    const put = createPutMessage(context);
    live.onChange((changed) => {
      context.jobs.rearm();
      if (changed.has('namesrvAddr')) registration.nameServersChanged();
      topics.optionsChanged(changed);
    });
    return { context, delay, timers, transactions, pop };
  }
}

/** The IP address of `brokerIP1`, which goes into stored messages. */
async function addressOf(brokerIP1: string): Promise<string> {
  try {
    return (await lookup(brokerIP1)).address;
  } catch (cause) {
    throw new ConfigurationError(
      `broker option brokerIP1 is ${brokerIP1}, which is not an address and does not resolve`,
      {
        cause,
        context: { brokerIP1 },
      },
    );
  }
}

/** Tells consumers that the members of their group changed (`Broker2Client.notifyConsumerIdsChanged`). */
function notifyMembers(consumerGroup: string, members: Iterable<Connection>, logger: Logger): void {
  for (const connection of members) {
    try {
      connection.sendOneway(createRequest(Requests.notifyConsumerIdsChanged, { consumerGroup }));
    } catch (error) {
      logger.debug('a consumer was not told about its group', { consumerGroup, error });
    }
  }
}
