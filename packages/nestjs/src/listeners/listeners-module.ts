import type { OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { Injectable, Module } from '@nestjs/common';
import { DiscoveryModule, ModuleRef, ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '@rocketnest/client';
import { RocketMQConnection } from '../connection.js';
import { RocketMQContext } from '../context.js';
import { DLQ_LISTENER } from '../decorators/dlq-listener.js';
import { EVENT_LISTENER, type EventSubscription } from '../decorators/event.js';
import type { RocketMQListenerOptions } from '../decorators/listener.js';
import { LISTENER } from '../decorators/listener.js';
import { REPLY_LISTENER } from '../decorators/reply-listener.js';
import type {
  RocketMQLocalTransactionListener,
  RocketMQTransactionListenerOptions,
} from '../decorators/transaction.js';
import { TRANSACTION_CHECKER, TRANSACTION_LISTENER } from '../decorators/transaction.js';
import type { PublishEvent } from '../events/events.js';
import { createPublisher } from '../events/publisher.js';
import type { Discovered } from '../handlers/explorer.js';
import { Explorer } from '../handlers/explorer.js';
import { FilteredFailure } from '../handlers/filtered-failure.js';
import { InvokerFactory, payloadTypeOf } from '../handlers/invoker.js';
import { RocketMQHealthIndicator } from '../operations/health.js';
import { stopConsumers } from '../operations/shutdown.js';
import { RocketMQStatusService } from '../operations/status.js';
import type { TransactionListenerEntry } from '../transactions/router.js';
import { TransactionRouter } from '../transactions/router.js';
import { ConnectionDirectory } from '../transport/connections.js';
import type { ConfigReader } from '../values.js';
import { ValueResolver } from '../values.js';
import type { RunnableListener } from './container.js';
import { RocketMQListenerContainer } from './container.js';
import type { ListenerKind } from './listener-options.js';
import { readListenerOptions } from './listener-options.js';
import { planConsumers } from './plan.js';
import { RocketMQListenerRegistry } from './registry.js';

/** The decorators' metadata keys are their names. */
const LISTENER_KINDS: readonly ListenerKind[] = [LISTENER, REPLY_LISTENER, DLQ_LISTENER];

/** What building handlers for one connection takes. */
interface Workshop {
  readonly connection: RocketMQConnection;
  readonly invokers: InvokerFactory;
  readonly values: ValueResolver;
}

/**
 * Finds the listeners of the whole application, starts them when everything else is up, and stops them before anything
 * else is torn down: handlers still find their database while they finish.
 */
@Injectable()
export class ListenerLifecycle implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly explorer: Explorer,
    private readonly moduleRef: ModuleRef,
    private readonly registry: RocketMQListenerRegistry,
    private readonly directory: ConnectionDirectory,
    modules: ModulesContainer,
  ) {
    // Nest runs start-up hooks from the modules farthest from the root to the nearest, and shutdown hooks the other way
    // round. Nearer than the root means last to start and first to stop.
    for (const module of modules.values()) {
      if (module.metatype === RocketMQListenersModule) module.distance = -1;
    }
  }

  /** Everything that can be wrong with decorators is found here, before a message moves. */
  onModuleInit(): void {
    const workshops = this.#openWorkshops();
    const publishers = this.#publishers(workshops);
    for (const plan of planConsumers(this.#listeners(workshops))) {
      const { connection } = workshops.get(plan.connection)!;
      this.registry.add(new RocketMQListenerContainer(plan, connection, publishers.get(plan.connection)));
    }
    refuseDuplicateIds(this.registry);
    this.#tellOfTransports(publishers);
    for (const [name, entries] of this.#transactionListeners(workshops)) {
      workshops.get(name)!.connection.useTransactions(new TransactionRouter(entries));
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    const containers = this.registry.list().filter(({ autoStartup }) => autoStartup);
    try {
      for (const container of containers) await container.start();
    } catch (error) {
      await this.#stopAll();
      throw error;
    }
    this.#warnWithoutShutdownHooks();
  }

  onModuleDestroy(): Promise<void> {
    return this.#stopAll();
  }

  /** Those of transports too: Nest itself closes them after everything that their handlers use. */
  #stopAll(): Promise<void> {
    const listeners = this.registry.list();
    return stopConsumers(
      this.directory.list().map(({ name, logger, options, transports }) => ({
        logger,
        shutdownTimeoutMs: options.shutdownTimeoutMs,
        containers: [...listeners.filter(({ connectionName }) => connectionName === name), ...transports],
      })),
    );
  }

  #openWorkshops(): Map<string, Workshop> {
    const configService = this.explorer.byClassName('ConfigService') as Partial<ConfigReader> | undefined;
    const workshops = new Map<string, Workshop>();
    for (const connection of this.explorer.instancesOf(RocketMQConnection)) {
      const { name, options } = connection;
      if (workshops.has(name)) {
        throw new ConfigurationError(
          `RocketMQModule.forRoot was imported twice for the connection '${name}' with different options. Import it once, or give each a name.`,
        );
      }
      const config =
        typeof configService?.get === 'function' ? (configService as ConfigReader) : readerOf(options.resolver);
      const invokers = new InvokerFactory(this.moduleRef, options.globalEnhancers);
      workshops.set(name, { connection, invokers, values: new ValueResolver(config) });
    }
    return workshops;
  }

  #listeners(workshops: ReadonlyMap<string, Workshop>): RunnableListener[] {
    const listeners: RunnableListener[] = [];
    for (const { target, options, kind } of this.#declared()) {
      const { label } = target;
      const { connection, invokers, values } = find(workshops, label, options.connection);
      const settings = readListenerOptions(label, options, values, kind);
      if (!settings.enabled || !connection.enabled) continue;
      if (typeof target.instance[target.methodName] !== 'function') {
        throw new ConfigurationError(
          `${label} does not exist: a class with @${kind} needs a method ${target.methodName}.`,
        );
      }
      listeners.push({
        label,
        connection: connection.name,
        settings,
        invoke: invokers.create(target),
        deserializer: options.deserializer ?? connection.deserializer,
        // A batch's parameter is an array, which says nothing about its elements.
        payloadType: options.payloadType ?? (settings.batch ? undefined : payloadTypeOf(target)),
      });
    }
    return listeners;
  }

  /** One for each connection, which logs what subscribers throw. */
  #publishers(workshops: ReadonlyMap<string, Workshop>): Map<string, PublishEvent> {
    const subscriptions = this.explorer.find<EventSubscription>(EVENT_LISTENER);
    const publishers = new Map<string, PublishEvent>();
    for (const [name, { connection }] of workshops) {
      const publish = createPublisher(subscriptions, connection.logger);
      publishers.set(name, publish);
      if (subscriptions.some(({ options }) => options.event === 'status') && connection.enabled) {
        connection.instance.onStatus((status, previous) => publish('status', { connection: name, status, previous }));
      }
    }
    return publishers;
  }

  /** Transports have no hooks of an application: their connections pass on what happens. */
  #tellOfTransports(publishers: ReadonlyMap<string, PublishEvent>): void {
    const subscriptions = this.explorer.find<EventSubscription>(EVENT_LISTENER);
    const own = new Set(this.explorer.instancesOf(RocketMQConnection));
    for (const connection of own) connection.publish = publishers.get(connection.name) ?? connection.publish;
    this.directory.ofServers((connection) => {
      if (!own.has(connection)) connection.publish = createPublisher(subscriptions, connection.logger);
    });
  }

  *#declared(): Iterable<Discovered<RocketMQListenerOptions> & { readonly kind: ListenerKind }> {
    for (const kind of LISTENER_KINDS) {
      for (const found of this.explorer.find<RocketMQListenerOptions>(kind)) yield { ...found, kind };
    }
  }

  #transactionListeners(workshops: ReadonlyMap<string, Workshop>): Map<string, TransactionListenerEntry[]> {
    const found = [
      ...this.explorer.find<RocketMQTransactionListenerOptions>(TRANSACTION_LISTENER),
      ...this.explorer.find<RocketMQTransactionListenerOptions>(TRANSACTION_CHECKER),
    ];
    const entries = new Map<string, TransactionListenerEntry[]>();
    for (const [name, { connection }] of workshops) entries.set(name, [...connection.transactionListeners]);
    for (const { target, options } of found) {
      const workshop = find(workshops, target.label, options.connection);
      entries.get(workshop.connection.name)!.push(toTransactionListener({ target, options }, workshop));
    }
    return entries;
  }

  /** Without them a SIGTERM kills the process in the middle of its handlers. */
  #warnWithoutShutdownHooks(): void {
    const anyRuns = this.registry.list().some(({ state }) => state === 'running');
    if (!anyRuns || process.listenerCount('SIGTERM') > 0) return;
    this.explorer
      .instancesOf(RocketMQConnection)[0]
      ?.logger.warn(
        'Nothing handles SIGTERM in this process: call app.enableShutdownHooks() before app.listen(), so that handlers can finish.',
      );
  }
}

function toTransactionListener(
  { target, options }: Discovered<RocketMQTransactionListenerOptions>,
  { connection, invokers }: Workshop,
): TransactionListenerEntry {
  const invoke = invokers.create(target);
  const deserializer = options.deserializer ?? connection.deserializer;
  const payloadType = options.payloadType ?? payloadTypeOf(target);
  const group = connection.options.producer?.group ?? '';
  const { instance } = target;
  const execute = (instance as Partial<RocketMQLocalTransactionListener>).executeLocalTransaction;
  return {
    label: target.label,
    options,
    check: async (message) => {
      const payload = await deserializer.deserialize(message, payloadType);
      const answer = await invoke(payload, new RocketMQContext([message, { connection: connection.name, group }]));
      return answer instanceof FilteredFailure ? answer.value : answer;
    },
    execute: typeof execute === 'function' ? execute.bind(instance as never) : undefined,
  };
}

function find(workshops: ReadonlyMap<string, Workshop>, label: string, connection = 'default'): Workshop {
  const workshop = workshops.get(connection);
  if (workshop !== undefined) return workshop;
  const known = [...workshops.keys()].map((name) => `'${name}'`).join(', ');
  throw new ConfigurationError(
    `${label} belongs to the RocketMQ connection '${connection}', which does not exist. Known: ${known}. ` +
      `Import RocketMQModule.forRoot({ name: '${connection}', … }) or change the decorator's connection.`,
  );
}

function refuseDuplicateIds(registry: RocketMQListenerRegistry): void {
  const owners = new Map<string, RocketMQListenerContainer>();
  for (const container of registry.list()) {
    for (const id of container.ids) {
      const other = owners.get(id);
      // Groups of different connections may have one name; `get` asks which is meant.
      if (other !== undefined && !(id === other.group && id === container.group)) {
        throw new ConfigurationError(
          `The listener id '${id}' is used by ${other.listeners.join(', ')} and by ${container.listeners.join(', ')}. Ids must be unique, and differ from other groups.`,
        );
      }
      owners.set(id, container);
    }
  }
}

const readerOf = (resolver: ((key: string) => unknown) | undefined): ConfigReader | undefined =>
  resolver === undefined ? undefined : { get: resolver };

/** One per application, however many connections it has: a group's listeners may come from anywhere. */
@Module({
  imports: [DiscoveryModule],
  providers: [
    Explorer,
    ConnectionDirectory,
    ListenerLifecycle,
    RocketMQListenerRegistry,
    RocketMQStatusService,
    RocketMQHealthIndicator,
  ],
  exports: [RocketMQListenerRegistry, RocketMQStatusService, RocketMQHealthIndicator],
})
export class RocketMQListenersModule {}
