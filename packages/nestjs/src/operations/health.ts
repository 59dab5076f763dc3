import { Injectable } from '@nestjs/common';
import type { RocketMQConnectionStatus, RocketMQGroupStatus } from './status.js';
import { RocketMQStatusService } from './status.js';

/** What counts as healthy. Times in ms. */
export interface RocketMQHealthOptions {
  /** Only these connections and their groups. Default: all. */
  readonly connections?: readonly string[];
  /** Only these groups. Default: all. */
  readonly groups?: readonly string[];
  /** Connections that the application can do without: their problems, and those of their groups, are `warnings`. Default: none. */
  readonly optional?: readonly string[];
  /** For @nestjs/terminus 12: with warnings and no problems the status is `degraded`, a 200 that says so. Default false: `up`. */
  readonly degraded?: boolean;
  /** Messages a group may be behind in the queues of this process. Default: any number, and brokers are not asked. */
  readonly maxLag?: number;
  /** A queue that should be pulled and was not for so long is a fault. Default 120000, Java's PULL_MAX_IDLE_TIME. */
  readonly maxPullAgeMs?: number;
  /** A handler that runs longer is a fault. Default: none is. */
  readonly maxHandlerMs?: number;
  /** Queues every running group must have here. Default 0: members without a queue are rightly idle. */
  readonly minAssignedQueues?: number;
  /** What a group is that somebody paused: `up` (default) or `down`. */
  readonly paused?: 'up' | 'down';
}

export interface RocketMQGroupHealth {
  readonly state: string;
  readonly assignedQueues: number;
  readonly runningHandlers: number;
  /** Since the latest pull. */
  readonly lastPullMsAgo?: number;
  readonly lag?: number;
}

/** One row of a terminus health check. `Status` has `degraded` where that was asked for. */
export interface RocketMQHealth<Status extends string = 'up' | 'down'> {
  readonly status: Status;
  /** What is wrong, in words; empty unless it is down. */
  readonly problems: readonly string[];
  /** What is wrong with `optional` connections. */
  readonly warnings: readonly string[];
  /** State of each connection, by name. */
  readonly connections: Readonly<Record<string, string>>;
  /** By group; of a connection with a name, `connection/group`. */
  readonly groups: Readonly<Record<string, RocketMQGroupHealth>>;
}

const DEFAULTS = { maxPullAgeMs: 120_000, minAssignedQueues: 0, paused: 'up' } as const satisfies RocketMQHealthOptions;

type Limits = RocketMQHealthOptions & typeof DEFAULTS;

/** Options for terminus 12, whose status may be `degraded`. */
type WithDegraded = RocketMQHealthOptions & { readonly degraded: true };
type HealthWithDegraded = RocketMQHealth<'up' | 'degraded' | 'down'>;

/**
 * Looks at what the application consumes with, not at whether some other client could connect. For readiness; as a liveness
 * check it would have a broker's outage restart every process.
 *
 * ```ts
 * @Get('ready') @HealthCheck()
 * ready() { return this.health.check([() => this.rocketmq.isHealthy('rocketmq', { maxLag: 10_000 })]); }
 * ```
 *
 * Works with @nestjs/terminus 11 and 12, and without.
 */
@Injectable()
export class RocketMQHealthIndicator {
  constructor(private readonly status: RocketMQStatusService) {}

  /** Never rejects. @param key name of the row in terminus' answer */
  isHealthy<Key extends string>(key: Key, options: WithDegraded): Promise<Record<Key, HealthWithDegraded>>;
  isHealthy<Key extends string = 'rocketmq'>(
    key?: Key,
    options?: RocketMQHealthOptions,
  ): Promise<Record<Key, RocketMQHealth>>;
  async isHealthy(key = 'rocketmq', options: RocketMQHealthOptions = {}): Promise<Record<string, HealthWithDegraded>> {
    return { [key]: await this.check(options) };
  }

  check(options: WithDegraded): Promise<HealthWithDegraded>;
  check(options?: RocketMQHealthOptions): Promise<RocketMQHealth>;
  async check(options: RocketMQHealthOptions = {}): Promise<HealthWithDegraded> {
    const limits: Limits = { ...DEFAULTS, ...options } as Limits;
    const status = await this.status.read({ lag: limits.maxLag !== undefined });
    const connections = status.connections.filter(({ name }) => options.connections?.includes(name) ?? true);
    const groups = status.groups.filter(
      ({ connection, group }) =>
        (options.connections?.includes(connection) ?? true) && (options.groups?.includes(group) ?? true),
    );
    const now = Date.now();
    // Most groups share the client of their connection, which has told of it.
    const told = new Set(connections.flatMap(({ lost }) => lost));
    const found = [
      ...groups.flatMap(({ connection, group, lost }) =>
        lost
          .filter((what) => !told.has(what))
          .map((what) => ({ connection, text: `group ${group} is not connected: ${what}` })),
      ),
      ...connections.flatMap((connection) =>
        [...connectionProblems(connection)].map((text) => ({ connection: connection.name, text })),
      ),
      ...groups.flatMap((group) =>
        [...groupProblems(group, limits, now)].map((what) => ({
          connection: group.connection,
          text: `group ${group.group} ${what}`,
        })),
      ),
    ];
    const isOptional = (connection: string): boolean => options.optional?.includes(connection) ?? false;
    const problems = found.filter(({ connection }) => !isOptional(connection)).map(({ text }) => text);
    const warnings = found.filter(({ connection }) => isOptional(connection)).map(({ text }) => text);
    const impaired = options.degraded === true && warnings.length > 0 ? 'degraded' : 'up';
    return {
      status: problems.length === 0 ? impaired : 'down',
      problems,
      warnings,
      connections: Object.fromEntries(connections.map(({ name, state }) => [name, state])),
      groups: Object.fromEntries(groups.map((group) => [nameOf(group), summary(group, now)])),
    };
  }
}

function* connectionProblems({ name, state, lost }: RocketMQConnectionStatus): Iterable<string> {
  if (state === 'connected' || state === 'disabled') return;
  yield lost.length === 0 ? `connection '${name}' is ${state}` : `connection '${name}' is ${state}: ${lost.join('; ')}`;
}

function* groupProblems(group: RocketMQGroupStatus, limits: Limits, now: number): Iterable<string> {
  const { state, autoStartup, assignedQueues, oldestPullTime, oldestHandler, lag, lagError } = group;
  if (state === 'created' && !autoStartup) return;
  if (state === 'paused' && limits.paused === 'up') return;
  if (state !== 'running') {
    yield `is ${state}`;
    return;
  }
  if (assignedQueues < limits.minAssignedQueues) {
    yield `has ${assignedQueues} queues here, ${limits.minAssignedQueues} are wanted`;
  }
  if (oldestPullTime !== undefined && now - oldestPullTime > limits.maxPullAgeMs) {
    yield `has a queue that was not pulled for ${now - oldestPullTime} ms, limit ${limits.maxPullAgeMs}`;
  }
  if (limits.maxHandlerMs !== undefined && oldestHandler !== undefined) {
    const runningMs = now - oldestHandler.startedAt;
    if (runningMs > limits.maxHandlerMs) {
      yield `has a handler running for ${runningMs} ms, limit ${limits.maxHandlerMs}: message ${oldestHandler.msgIds.join(' ')} of topic ${oldestHandler.topic}`;
    }
  }
  if (limits.maxLag !== undefined && lag !== undefined && lag > limits.maxLag) {
    yield `is ${lag} messages behind, limit ${limits.maxLag}`;
  }
  if (lagError !== undefined) yield `has an unknown lag: ${lagError}`;
}

const nameOf = ({ connection, group }: RocketMQGroupStatus): string =>
  connection === 'default' ? group : `${connection}/${group}`;

function summary(
  { state, assignedQueues, runningHandlers, lastPullTime, lag }: RocketMQGroupStatus,
  now: number,
): RocketMQGroupHealth {
  return {
    state,
    assignedQueues,
    runningHandlers,
    ...(lastPullTime === undefined ? {} : { lastPullMsAgo: Math.max(0, now - lastPullTime) }),
    ...(lag === undefined ? {} : { lag }),
  };
}
