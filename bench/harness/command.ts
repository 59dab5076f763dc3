import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RunnerOptions } from './runner.js';
import type { Scenario } from './scenario.js';

/** What the command line asks for. */
export interface Command extends RunnerOptions {
  readonly chosen: readonly Scenario[];
  /** Names of peers; undefined: all that can run here. */
  readonly peers: readonly string[] | undefined;
  /** Where figures are kept; undefined: nowhere. */
  readonly out: string | undefined;
  /** Keep the runs that `out` holds, do those that are missing. */
  readonly resume: boolean;
  /** Write docs/benchmarks.md in the end. */
  readonly docs: boolean;
  /** Run nothing. */
  readonly docsOnly: boolean;
  /** Print this and do nothing. */
  readonly print?: string;
}

/** The figures that docs/benchmarks.md is written from. */
export const RESULTS = fileURLToPath(new URL('../results.json', import.meta.url));

const OPTIONS = {
  peers: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  quick: { type: 'boolean', default: false },
  out: { type: 'string' },
  resume: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  docs: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const HELP = `npm run bench -- [scenario…] [options]

scenario   its name, or how names begin (send-sync): default all but the long ones
--peers    who is measured, comma-separated; default all that can run here
--rounds   how often each, in turn                              (3; --quick 1)
--warmup   seconds before each measurement                      (5; --quick 1)
--seconds  seconds of each measurement                          (10; --quick 2)
--quick    small and short, to see that it works; not kept unless --out is given
--out      file of the figures, added to                        (bench/results.json)
--resume   only runs that the file does not have yet
--list     names the scenarios and their peers
--docs     writes docs/benchmarks.md from the file; runs only scenarios that are named`;

/** @throws {Error} on words that mean nothing here, with what would */
export function parseCommand(words: readonly string[], scenarios: readonly Scenario[]): Command {
  const { values, positionals } = parseArgs({ args: [...words], allowPositionals: true, options: OPTIONS });
  const known = new Set(scenarios.flatMap(({ peers }) => peers.map(({ name }) => name)));
  const peers = values.peers?.split(',');
  for (const peer of peers ?? []) {
    if (!known.has(peer)) throw new Error(`There is no peer ${peer}. Known are ${[...known].join(', ')}.`);
  }
  const docsOnly = values.docs && positionals.length === 0;
  const out = values.out ?? (values.quick && !docsOnly ? undefined : RESULTS);
  if (values.resume && out === undefined) throw new Error('--resume needs the file of an earlier run: --out FILE.');
  const chosen = choose(positionals, scenarios).filter(
    (scenario) => peers === undefined || scenario.peers.some(({ name }) => peers.includes(name)),
  );
  const print = values.help ? HELP : values.list ? list(scenarios) : undefined;
  return {
    chosen,
    peers,
    rounds: positive('rounds', values.rounds, values.quick ? 1 : 3),
    warmupSeconds: positive('warmup', values.warmup, values.quick ? 1 : 5),
    seconds: positive('seconds', values.seconds, values.quick ? 2 : 10),
    quick: values.quick,
    out,
    resume: values.resume,
    docs: values.docs || out === RESULTS,
    docsOnly,
    ...(print !== undefined && { print }),
  };
}

/** By name, else by how the name begins; without words, all that are not long. */
function choose(words: readonly string[], scenarios: readonly Scenario[]): Scenario[] {
  if (words.length === 0) return scenarios.filter(({ long }) => !long);
  const wanted = new Set(
    words.flatMap((word) => {
      const exact = scenarios.filter(({ name }) => name === word);
      const found = exact.length > 0 ? exact : scenarios.filter(({ name }) => name.startsWith(word));
      if (found.length === 0) {
        throw new Error(
          `There is no scenario ${word}. Known are:\n  ${scenarios.map(({ name }) => name).join('\n  ')}`,
        );
      }
      return found;
    }),
  );
  return scenarios.filter((scenario) => wanted.has(scenario));
}

function positive(option: string, text: string | undefined, ifAbsent: number): number {
  const value = text === undefined ? ifAbsent : Number(text);
  if (!(value > 0)) throw new Error(`--${option} must be a number above 0, got ${text}.`);
  if (option === 'rounds' && !Number.isInteger(value)) throw new Error(`--rounds must be a whole number, got ${text}.`);
  return value;
}

function list(scenarios: readonly Scenario[]): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  return scenarios
    .map(({ name, title, peers, long }) => {
      const who = peers.map((peer) => peer.name).join(', ');
      return `${name.padEnd(width)}  ${title} (${who})${long ? ' – long: only when named' : ''}`;
    })
    .join('\n');
}
