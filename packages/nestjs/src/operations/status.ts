import { Injectable } from '@nestjs/common';
import type { ClientStatus, ConsumerReport, HandlerReport } from '@rocketnest/client';
import type { RocketMQConnection } from '../connection.js';
import type { ContainerState, RocketMQListenerContainer } from '../listeners/container.js';
import { RocketMQListenerRegistry } from '../listeners/registry.js';
import { ConnectionDirectory } from '../transport/connections.js';
import type { QueueLag } from './progress.js';
import { lagOf } from './progress.js';

/** How one connection stands. */
export interface RocketMQConnectionStatus {
  readonly name: string;
  /** `disabled` by `enabled: false`; `stopped`: before its start or after its end; else the client's state. */
  readonly state: 'disabled' | 'stopped' | ClientStatus['state'];
  /** What keeps it from being connected, in words. */
  readonly lost: readonly string[];
}

/** How one consumer group stands in this process. Times are ms since 1970. */
export interface RocketMQGroupStatus {
  readonly connection: string;
  readonly group: string;
  readonly state: ContainerState;
  /** Whether it starts with the application. */
  readonly autoStartup: boolean;
  /** What keeps its client from being connected; groups with options of their own have their own client. */
  readonly lost: readonly string[];
  /** `Class.method` of each listener. */
  readonly listeners: readonly string[];
  /** Queues of this member; those of the retry topic are not counted. */
  readonly assignedQueues: number;
  /** Latest pull or pop of any queue; absent before the first one. */
  readonly lastPullTime?: number;
  /** Queue that has gone longest without a pull, of those that should be pulled now; absent when there is none. */
  readonly oldestPullTime?: number;
  readonly runningHandlers: number;
  /** The handler that has been running longest: what is stuck, if something is. */
  readonly oldestHandler?: HandlerReport;
  /** Messages that this member's queues hold and the group has not consumed. Absent unless it was asked for and a broker answered. */
  readonly lag?: number;
  /** Why there is no lag. */
  readonly lagError?: string;
}

export interface RocketMQStatus {
  readonly connections: readonly RocketMQConnectionStatus[];
  readonly groups: readonly RocketMQGroupStatus[];
}

/** Tells how connections and consumers of the application stand. Injectable wherever RocketMQModule is. */
@Injectable()
export class RocketMQStatusService {
  constructor(
    private readonly directory: ConnectionDirectory,
    private readonly registry: RocketMQListenerRegistry,
  ) {}

  /**
   * A snapshot; it never rejects.
   * @param lag also ask the brokers how far behind the consumers are: one request per group and broker. Default false
   */
  async read({ lag = false }: { readonly lag?: boolean } = {}): Promise<RocketMQStatus> {
    const connections = this.directory.list();
    const containers = [...this.registry.list(), ...connections.flatMap(({ transports }) => [...transports])];
    return {
      connections: connections.map(connectionStatus),
      groups: await Promise.all(containers.map((container) => groupStatus(container, lag))),
    };
  }
}

function connectionStatus(connection: RocketMQConnection): RocketMQConnectionStatus {
  const { name, enabled, isRunning } = connection;
  if (!enabled || !isRunning) return { name, state: enabled ? 'stopped' : 'disabled', lost: [] };
  const { state, lost } = connection.instance.status;
  return { name, state, lost };
}

async function groupStatus(container: RocketMQListenerContainer, withLag: boolean): Promise<RocketMQGroupStatus> {
  const { consumer, connectionName, group, state, autoStartup, listeners } = container;
  const own = { connection: connectionName, group, state, autoStartup, listeners };
  if (consumer === undefined) return { ...own, lost: [], assignedQueues: 0, runningHandlers: 0 };
  const report = consumer.report();
  const [oldestHandler] = report.handlers;
  return {
    ...own,
    lost: consumer.status.lost,
    assignedQueues: [...report.queues, ...report.popQueues].filter(({ topic }) => !isRetry(topic)).length,
    ...pullTimes(report),
    runningHandlers: report.handlers.length,
    ...(oldestHandler === undefined ? {} : { oldestHandler }),
    ...(withLag ? await lagFields(() => lagOf(consumer, report)) : {}),
  };
}

const isRetry = (topic: string): boolean => topic.startsWith('%RETRY%');

/** Queues that are paused, or full because handlers are slow, are rightly not pulled. */
function pullTimes({
  queues,
  popQueues,
}: ConsumerReport): Pick<RocketMQGroupStatus, 'lastPullTime' | 'oldestPullTime'> {
  const asked = (queue: { readonly cachedMessages: number; readonly paused?: boolean }): boolean =>
    queue.paused !== true && queue.cachedMessages === 0;
  const times = [
    ...queues.map((queue) => ({ time: queue.lastPullTime, asked: asked(queue) })),
    ...popQueues.map((queue) => ({ time: queue.lastPopTime, asked: asked(queue) })),
  ];
  const due = times.filter((queue) => queue.asked).map(({ time }) => time);
  return {
    ...(times.length === 0 ? {} : { lastPullTime: Math.max(...times.map(({ time }) => time)) }),
    ...(due.length === 0 ? {} : { oldestPullTime: Math.min(...due) }),
  };
}

async function lagFields(
  ask: () => Promise<readonly QueueLag[]>,
): Promise<Pick<RocketMQGroupStatus, 'lag' | 'lagError'>> {
  try {
    return { lag: (await ask()).reduce((sum, { lag }) => sum + lag, 0) };
  } catch (error) {
    return { lagError: error instanceof Error ? error.message : String(error) };
  }
}
