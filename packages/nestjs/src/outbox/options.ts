import { ConfigurationError } from '@rocketnest/client';
import type { CheckTable } from '../checks.js';
import { must, show } from '../checks.js';
import { parseDuration } from '../duration.js';
import type { SqlTableOptions } from '../sql/options.js';
import { aDuration, checkTableOptions } from '../sql/options.js';
import type { RelayOptions } from './relay.js';

/**
 * `table` is `rocketmq_outbox` by default, and `rocketmq_outbox_NAME` for an outbox with a name. Durations are `'90s'`, `'15m'`, `'2h'`,
 * `'1d'`, or milliseconds.
 */
export interface RocketMQOutboxOptions<Tx = unknown> extends SqlTableOptions<Tx> {
  /** Whether this process sends what is in the table. Default true; false where another service does. */
  readonly relay?: boolean;
  /** How often the table is looked at for rows of other processes. Default `'1s'`. */
  readonly pollInterval?: string | number;
  /** Messages that are sent at the same time, default 32. 1 sends all messages in the order of their rows. */
  readonly concurrency?: number;
  /** After this, the rows of a process that died are sent by another one. A send may take half of it. Default `'1m'`. */
  readonly lease?: string | number;
  /** Attempts after which a row that is refused is put aside. Outages do not count: rows wait as long as they last. Default 10. */
  readonly maxAttempts?: number;
  /** Longest pause between attempts; it begins with a second and doubles. Default `'1m'`. */
  readonly maxBackoff?: string | number;
  /** How long rows stay after they were sent. Default 0: they are deleted at once. */
  readonly keepSent?: string | number;
}

const MIN_LEASE_MS = 1_000;

const rows: CheckTable = {
  relay: must.beBoolean,
  pollInterval: aDuration,
  concurrency: must.beInteger(1, 1_000),
  lease: aDuration,
  maxAttempts: must.beInteger(1),
  maxBackoff: aDuration,
  keepSent: aDuration,
};

export interface CheckedOutboxOptions extends RelayOptions, Required<SqlTableOptions<unknown>> {
  readonly relay: boolean;
}

/**
 * @param path how the options were given, for error messages
 * @throws ConfigurationError naming the path of the bad key
 */
export function checkOutboxOptions(
  path: string,
  options: RocketMQOutboxOptions,
  defaultTable: string,
): CheckedOutboxOptions {
  const checked = checkTableOptions(path, options, rows, defaultTable);
  const leaseMs = parseDuration(options.lease ?? '1m');
  if (leaseMs < MIN_LEASE_MS) {
    throw new ConfigurationError(`${path}.lease must be a second or more, got ${show(options.lease)}.`);
  }
  return {
    ...checked,
    relay: options.relay ?? true,
    pollIntervalMs: Math.max(1, parseDuration(options.pollInterval ?? '1s')),
    concurrency: options.concurrency ?? 32,
    leaseMs,
    maxAttempts: options.maxAttempts ?? 10,
    maxBackoffMs: parseDuration(options.maxBackoff ?? '1m'),
    keepSentMs: parseDuration(options.keepSent ?? 0),
  };
}
