import { describeCommit, describeMachine } from './machine.js';
import { comparable, type RunResult, type ScenarioResult } from './results.js';
import type { Figures, Peer, Run, Scenario } from './scenario.js';

export interface RunnerOptions {
  readonly rounds: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  readonly quick: boolean;
}

/** Hears what happens, in this order for every run: `run`, `step`s, `done` or `failed`; or `kept`. */
export interface RunnerEvents {
  run(scenario: Scenario, peer: Peer, round: number): void;
  step(what: string): void;
  /** In place of a run that is there already. */
  kept(): void;
  /** After every run: what there is of the scenario so far, to be kept. */
  done(run: RunResult, soFar: ScenarioResult): void;
  /** The run has no figures; the others go on. The error names scenario, peer and round. */
  failed(error: Error): void;
}

/** Who takes part in what. */
export interface Plan {
  readonly entries: readonly { readonly scenario: Scenario; readonly peers: readonly Peer[] }[];
  /** Why a peer cannot run on this machine, by its title. */
  readonly missing: ReadonlyMap<string, string>;
}

/** @throws {Error} when a peer that was named is missing, with what to do about it: others are left out */
export function plan(chosen: readonly Scenario[], wanted: readonly string[] | undefined): Plan {
  const reasons = new Map<Peer, string | null>();
  const reasonOf = (peer: Peer): string | null => {
    if (!reasons.has(peer)) reasons.set(peer, peer.missing());
    return reasons.get(peer)!;
  };
  const entries = chosen.map((scenario) => {
    const peers = scenario.peers.filter(({ name }) => wanted === undefined || wanted.includes(name));
    return { scenario, peers: peers.filter((peer) => reasonOf(peer) === null) };
  });
  const missing = new Map([...reasons].flatMap(([{ title }, reason]) => (reason === null ? [] : [[title, reason]])));
  if (wanted !== undefined && missing.size > 0) throw new Error(missingText(missing));
  return { entries: entries.filter(({ peers }) => peers.length > 0), missing };
}

/** Who cannot run here, and what to do about it. */
export function missingText(missing: ReadonlyMap<string, string>): string {
  return ['Cannot run on this machine:', ...[...missing].map(([title, reason]) => `  ${title}: ${reason}`)].join('\n');
}

/** Everything the peers of a plan need, each once. */
export async function prepare({ entries }: Plan): Promise<void> {
  const needed = new Set(entries.flatMap(({ peers }) => peers.map((peer) => peer.prepare)));
  for (const step of needed) await step?.();
}

/**
 * Runs a scenario round by round, the peers in turn: A B A B. Runs that `earlier` holds are not repeated if it is comparable. A run
 * that fails, or whose check does, is left out: what the others give is worth its time all the same.
 */
export async function runScenario(
  { scenario, peers }: Plan['entries'][number],
  options: RunnerOptions,
  events: RunnerEvents,
  earlier?: ScenarioResult,
): Promise<ScenarioResult> {
  const { rounds, warmupSeconds, seconds, quick } = options;
  const fresh: ScenarioResult = {
    title: scenario.title,
    load: scenario.load,
    check: scenario.check,
    figures: scenario.figures,
    peers: scenario.peers.map(({ name, title, settings }) => ({ name, title, settings })),
    warmupSeconds,
    seconds,
    rounds,
    quick,
    date: new Date().toISOString().slice(0, 10),
    commit: describeCommit(),
    machine: describeMachine(),
    runs: [],
  };
  let result = earlier !== undefined && comparable(earlier, fresh) ? { ...earlier, rounds } : fresh;
  const run: Run = { quick, warmupSeconds, seconds, step: (what) => events.step(what) };
  for (let round = 1; round <= rounds; round++) {
    for (const peer of peers) {
      if (result.runs.some((known) => known.peer === peer.name && known.round === round)) {
        events.kept();
        continue;
      }
      events.run(scenario, peer, round);
      let figures: Figures;
      try {
        figures = await scenario.run(peer, run);
        checkFigures(scenario, figures);
      } catch (error) {
        const message = `${scenario.name}, ${peer.name}, round ${round}: ${wordsOf(error)}`;
        events.failed(new Error(message, { cause: error }));
        continue;
      }
      const done: RunResult = { peer: peer.name, round, figures };
      result = { ...result, runs: [...result.runs, done] };
      events.done(done, result);
    }
  }
  return result;
}

/** A scenario gives the figures of its table, all numbers: a percentile of nothing is a mistake of the scenario. */
function checkFigures(scenario: Scenario, figures: Figures): void {
  for (const key of Object.keys(scenario.figures)) {
    if (!Number.isFinite(figures[key])) {
      throw new Error(`figure ${key} is ${figures[key]}, not a number`);
    }
  }
  for (const key of Object.keys(figures)) {
    if (!(key in scenario.figures)) throw new Error(`the scenario gives ${key}, which its table does not list`);
  }
}

/** Of an error; where cleaning up failed too, of what went wrong first. */
function wordsOf(error: unknown): string {
  const { suppressed, message } = error as Error & { suppressed?: unknown };
  return suppressed === undefined ? message : wordsOf(suppressed);
}
