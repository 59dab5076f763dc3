// npm run bench -- [scenario…] [--peers a,b] [--rounds 3] [--seconds 10] [--warmup 5] [--quick] [--resume] [--out FILE] [--list] [--docs]
// Compares RocketNest with its peers; bench/README.md says how. `--help` lists the options.
import { mkdirSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, parseCommand } from './harness/command.js';
import { writePage } from './harness/page-files.js';
import { Progress } from './harness/progress.js';
import { consoleTable, numberText } from './harness/report.js';
import { type Results, readResults, writeResults } from './harness/results.js';
import { missingText, plan, prepare, runScenario } from './harness/runner.js';
import type { Scenario } from './harness/scenario.js';
import { keepFilesTogether } from './harness/temporary-files.js';
import { scenarios } from './scenarios/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  const command = parseCommand(process.argv.slice(2), scenarios);
  if (command.print !== undefined) console.log(command.print);
  else await main(command);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
}

async function main({ chosen, peers, out, resume, docs, docsOnly, ...options }: Command): Promise<void> {
  let results: Results = out === undefined ? {} : readResults(out);
  if (!docsOnly) {
    const planned = plan(chosen, peers);
    if (planned.missing.size > 0) console.error(`${missingText(planned.missing)}\n`);
    if (planned.entries.length === 0) throw new Error('Nobody is left to measure.');
    await prepare(planned);
    keepFilesTogether();
    const progress = new Progress(planned.entries.reduce((sum, entry) => sum + entry.peers.length * options.rounds, 0));
    const failed: Error[] = [];
    for (const entry of planned.entries) {
      const { scenario } = entry;
      const result = await runScenario(
        entry,
        options,
        {
          run: (of, peer, round) => progress.run(`${of.name} ${peer.name} ${round}/${options.rounds}`),
          step: (what) => progress.step(what),
          kept: () => progress.kept(),
          done: ({ figures }, soFar) => {
            progress.done(headline(scenario, figures));
            results = { ...results, [scenario.name]: soFar };
            if (out !== undefined) keep(out, results);
          },
          failed: (error) => {
            failed.push(error);
            progress.done('FAILED');
            progress.log(`\n${error.message}\n`);
          },
        },
        resume ? results[scenario.name] : undefined,
      );
      if (result.runs.length > 0) {
        progress.log(`\n${scenario.title}\n${scenario.load}\n${consoleTable(result)}\n`);
      }
    }
    progress.stop();
    if (failed.length > 0) {
      process.exitCode = 1;
      console.error(`Failed:\n${failed.map(({ message }) => firstLine(message)).join('\n')}`);
      console.error('Their full messages are above; --resume runs them again.');
    }
  }
  if (docs) for (const path of writePage(root, results)) console.log(`wrote ${relative(process.cwd(), path)}`);
}

/** The first figure of a run, in words. */
function headline({ figures: table }: Scenario, figures: Readonly<Record<string, number>>): string {
  const [key, { digits, unit, label }] = Object.entries(table)[0]!;
  return `${label} ${numberText(figures[key]!, digits)} ${unit}`.trimEnd();
}

function firstLine(text: string): string {
  return `  ${text.split('\n', 1)[0]}`;
}

function keep(path: string, results: Results): void {
  mkdirSync(dirname(path), { recursive: true });
  writeResults(path, results);
}
