import { Injectable } from '@nestjs/common';
import type { RocketMQConnectionStatus, RocketMQGroupStatus } from './status.js';
import { RocketMQStatusService } from './status.js';

/** What counts as healthy. Times in ms. */
export interface RocketMQHealthOptions {
  /** Only these connections and their groups. Default: all. */
  readonly connections?: readonly string[];
  /** Only these groups. Default: all. */
  readonly groups?: readonly string[];
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

/** One row of a terminus health check. */
export interface RocketMQHealth {
  readonly status: 'up' | 'down';
  /** What is wrong, in words; empty when it is up. */
  readonly problems: readonly string[];
  /** State of each connection, by name. */
  readonly connections: Readonly<Record<string, string>>;
  /** By group; of a connection with a name, `connection/group`. */
  readonly groups: Readonly<Record<string, RocketMQGroupHealth>>;
}

const DEFAULTS = { maxPullAgeMs: 120_000, minAssignedQueues: 0, paused: 'up' } as const satisfies RocketMQHealthOptions;

type Limits = RocketMQHealthOptions & typeof DEFAULTS;

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
  async isHealthy<Key extends string = 'rocketmq'>(
    key: Key = 'rocketmq' as Key,
    options: RocketMQHealthOptions = {},
  ): Promise<Record<Key, RocketMQHealth>> {
    return { [key]: await this.check(options) } as Record<Key, RocketMQHealth>;
  }

  async check(options: RocketMQHealthOptions = {}): Promise<RocketMQHealth> {
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
    const problems = [
      ...groups.flatMap(({ group, lost }) =>
        lost.filter((what) => !told.has(what)).map((what) => `group ${group} is not connected: ${what}`),
      ),
      ...connections.flatMap((connection) => [...connectionProblems(connection)]),
      ...groups.flatMap((group) =>
        [...groupProblems(group, limits, now)].map((what) => `group ${group.group} ${what}`),
      ),
    ];
    return {
      status: problems.length === 0 ? 'up' : 'down',
      problems,
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
