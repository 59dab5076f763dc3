import Table from 'cli-table3';
import { type ScenarioResult, valuesOf } from './results.js';
import type { Figure } from './scenario.js';
import { goalMet, goalText, summarise, worstRatio } from './statistics.js';

/** One figure of all peers, as text. */
export interface Row {
  readonly label: string;
  /** By peer: `14,151 (13,900–14,800)`; `–` where the peer was not measured. */
  readonly cells: readonly string[];
  /** By reference: ours / its, `2.57 (2.49–2.61)`. */
  readonly ratios: readonly string[];
  /** The one of them that is worst for us. */
  readonly worst: string;
  readonly better: string;
  readonly goal: string;
  readonly met: boolean | undefined;
}

const NOTHING = '–';

/** The rows of a scenario's table; the console and the page show the same. */
export function rowsOf(result: ScenarioResult): Row[] {
  const ours = result.peers.at(-1)!;
  const references = result.peers.slice(0, -1);
  return Object.entries(result.figures).map(([key, figure]) => {
    const values = (peer: string) => valuesOf(result.runs, peer, key);
    const theirs = references.map(({ name }) => values(name));
    return {
      label: figure.unit === '' ? figure.label : `${figure.label}, ${figure.unit}`,
      cells: result.peers.map(({ name }) => cellText(values(name), figure)),
      ratios: theirs.map((reference) => ratioText(figure, values(ours.name), [reference])),
      worst: ratioText(figure, values(ours.name), theirs),
      better: figure.better,
      goal: goalText(figure),
      met: goalMet(figure, values(ours.name), theirs),
    };
  });
}

/** For a terminal. */
export function consoleTable(result: ScenarioResult): string {
  const table = new Table({
    head: ['', ...result.peers.map(({ title }) => title), ...ratioHeads(result), 'goal'],
    colAligns: ['left', ...result.peers.map(() => 'right' as const)],
    style: { head: [], border: [] },
  });
  for (const { label, cells, ratios, better, goal, met } of rowsOf(result)) {
    const mark = met === undefined ? '' : met ? ' met' : ' MISSED';
    table.push([`${label} (${better} is better)`, ...cells, ...ratios, `${goal}${mark}`]);
  }
  return table.toString();
}

/** Headings of the ratios. */
export function ratioHeads({ peers }: Pick<ScenarioResult, 'peers'>): string[] {
  const references = peers.slice(0, -1);
  return references.length === 1 ? ['ratio'] : references.map(({ title }) => `ratio to ${title}`);
}

export function numberText(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function cellText(values: readonly number[], { digits }: Figure): string {
  if (values.length === 0) return NOTHING;
  const { median, low, high } = summarise(values);
  const text = numberText(median, digits);
  return values.length === 1 ? text : `${text} (${numberText(low, digits)}–${numberText(high, digits)})`;
}

function ratioText({ better }: Figure, ours: readonly number[], references: readonly (readonly number[])[]): string {
  const ratio = worstRatio(better, ours, references);
  if (ratio === undefined || !Number.isFinite(ratio.median)) return NOTHING;
  const { median, low, high } = ratio;
  return ours.length === 1 ? median.toFixed(2) : `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}
