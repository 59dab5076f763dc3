import { parseDuration } from '../duration.js';
import type { SqlTableOptions } from '../sql/options.js';
import { aDuration, checkTableOptions } from '../sql/options.js';

/**
 * `table` is `rocketmq_transactions` by default, and `rocketmq_transactions_NAME` for those with a name. Durations are `'90s'`, `'15m'`,
 * `'2h'`, `'1d'`, or milliseconds.
 */
export interface RocketMQTransactionsOptions<Tx = unknown> extends SqlTableOptions<Tx> {
  /**
   * How long a local transaction may take, default `'1m'`. When the broker asks after it later, and nothing was committed, the transaction
   * counts as failed; should it still run, it is rolled back.
   */
  readonly timeout?: string | number;
  /** How long outcomes are remembered, default `'4d'`: longer than brokers keep half messages (`fileReservedTime`, 72 hours). */
  readonly keep?: string | number;
}

export interface CheckedTransactionsOptions extends Required<SqlTableOptions<unknown>> {
  readonly timeoutMs: number;
  readonly keepMs: number;
}

/**
 * @param path how the options were given, for error messages
 * @throws ConfigurationError naming the path of the bad key
 */
export function checkTransactionsOptions(
  path: string,
  options: RocketMQTransactionsOptions,
  defaultTable: string,
): CheckedTransactionsOptions {
  return {
    ...checkTableOptions(path, options, { timeout: aDuration, keep: aDuration }, defaultTable),
    timeoutMs: parseDuration(options.timeout ?? '1m'),
    keepMs: parseDuration(options.keep ?? '4d'),
  };
}
