import type { Figure } from './scenario.js';

/** Median and spread of what the rounds gave. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @throws {RangeError} without values */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('no values to summarise');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, low: sorted[0]!, high: sorted.at(-1)! };
}

/**
 * Ours / theirs: of the medians, and the lowest and highest of the rounds, each with its neighbour (A B A B: what slows the
 * machine for a while slows both).
 */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Summary {
  const rounds = Math.min(ours.length, theirs.length);
  const pairs = Array.from({ length: rounds }, (_, round) => ours[round]! / theirs[round]!);
  return { ...summarise(pairs), median: summarise(ours).median / summarise(theirs).median };
}

/** The ratio that is worst for us: that to the best reference. Undefined when none was measured. */
export function worstRatio(
  better: Figure['better'],
  ours: readonly number[],
  references: readonly (readonly number[])[],
): Summary | undefined {
  if (ours.length === 0) return undefined;
  const ratios = references.filter(({ length }) => length > 0).map((reference) => ratioOf(ours, reference));
  ratios.sort((a, b) => (better === 'higher' ? a.median - b.median : b.median - a.median));
  return ratios[0];
}

/** Whether ours reaches the figure's goal, beside each reference; undefined without a goal, or when nothing to judge it was measured. */
export function goalMet(
  figure: Figure,
  ours: readonly number[],
  references: readonly (readonly number[])[],
): boolean | undefined {
  const { goal, better } = figure;
  if (goal === undefined || ours.length === 0) return undefined;
  const reached = (value: number, limit: number): boolean => (better === 'higher' ? value >= limit : value <= limit);
  if ('value' in goal) return reached(summarise(ours).median, goal.value);
  const worst = worstRatio(better, ours, references);
  return worst === undefined ? undefined : reached(worst.median, goal.ratio);
}

/** The goal in words: `≥ 3×`, `≤ 20 ms`. */
export function goalText({ goal, better, unit, digits }: Figure): string {
  if (goal === undefined) return '';
  const sign = better === 'higher' ? '≥' : '≤';
  return 'ratio' in goal
    ? `${sign} ${Number(goal.ratio.toFixed(2))}×`
    : `${sign} ${goal.value.toFixed(digits)} ${unit}`.trimEnd();
}
