import { ConfigurationError } from '@rocketnest/client';
import { show } from './checks.js';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Milliseconds of `'90s'`, `'15m'`, `'1.5h'`, `'2d'`, `'500ms'`, or of a number that already is milliseconds.
 * @throws ConfigurationError on anything else
 */
export function parseDuration(value: string | number): number {
  const [, amount = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$/.exec(String(value)) ?? [];
  const ms = typeof value === 'number' ? value : Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
  if (!Number.isFinite(ms) || ms < 0) {
    throw new ConfigurationError(
      `A delay is milliseconds or text like '90s', '15m', '2h' or '1d', got ${show(value)}.`,
    );
  }
  return Math.round(ms);
}
