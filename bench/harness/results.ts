import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Machine } from './machine.js';
import type { Figures, FigureTable } from './scenario.js';

/** One run of one peer. */
export interface RunResult {
  readonly peer: string;
  /** From 1. */
  readonly round: number;
  readonly figures: Figures;
}

/** All that is kept of a scenario: enough to write about it without the scenario's code. */
export interface ScenarioResult {
  readonly title: string;
  readonly load: string;
  readonly check: string;
  readonly figures: FigureTable;
  /** The references, and ours last. */
  readonly peers: readonly { readonly name: string; readonly title: string; readonly settings: string }[];
  readonly warmupSeconds: number;
  readonly seconds: number;
  readonly rounds: number;
  /** A smoke run, not a measurement. */
  readonly quick: boolean;
  /** ISO date of the first run. */
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly runs: readonly RunResult[];
}

/** By the scenario's name, in the order they were first measured. */
export type Results = Readonly<Record<string, ScenarioResult>>;

/** What the file holds; nothing when there is none yet. @throws {SyntaxError} naming the file when it is no JSON */
export function readResults(path: string): Results {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
  try {
    return JSON.parse(text) as Results;
  } catch (error) {
    throw new SyntaxError(`${path} holds no results of the benchmarks: ${(error as Error).message}`, { cause: error });
  }
}

/** In one step, so that a run that is interrupted leaves a whole file. */
export function writeResults(path: string, results: Results): void {
  writeFileSync(`${path}.tmp`, `${JSON.stringify(results, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

/** Whether runs of `earlier` may stand beside new ones of `now`: the same load, checks, peers, times and machine. */
export function comparable(earlier: ScenarioResult, now: ScenarioResult): boolean {
  const key = ({ date: _date, runs: _runs, rounds: _rounds, ...rest }: ScenarioResult): string => JSON.stringify(rest);
  return key(earlier) === key(now);
}

/** The values of one figure, by round. */
export function valuesOf(runs: readonly RunResult[], peer: string, figure: string): number[] {
  return runs
    .filter((run) => run.peer === peer && run.figures[figure] !== undefined)
    .sort((a, b) => a.round - b.round)
    .map((run) => run.figures[figure]!);
}
