// docs/compatibility.md from the committed results of the Java suite and the servers' processor tables.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { commandReasons, requestReasons } from './compatibility-reasons.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const resultsFile = (name) => join(root, 'test', 'interop', 'results', `${name}.json`);

const COMMAND_AREA = 'mqadmin';
const TARGETS = ['apache', 'rocketnest'];

/**
 * Keeps the results of a run: replaces those of the classes that ran, one line per test.
 * @param {string} target
 * @param {{ results: readonly { test: string, area: string | null, feature: string | null, outcome: string }[], commands: readonly string[] }} run
 * @param {{ whole: boolean }} options whole: every class ran, so what else is in the file is gone
 * @returns {boolean} whether the file changed
 */
export function saveResults(target, { results, commands }, { whole }) {
  const rows = new Map(whole ? [] : Object.entries(readResults(target)));
  const classOf = (test) => test.split(/[.:]/, 1)[0];
  const classes = new Set(results.map(({ test }) => classOf(test)));
  for (const test of rows.keys()) if (classes.has(classOf(test))) rows.delete(test);
  for (const { test, area, feature, outcome } of results) rows.set(test, [area, feature, outcome]);
  write(resultsFile('mqadmin-commands'), [JSON.stringify(commands)]);
  const lines = [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((row) => row.map((part) => JSON.stringify(part)).join(': '));
  return write(resultsFile(target), ['{', lines.map((line) => `  ${line}`).join(',\n'), '}']);
}

function write(path, lines) {
  const text = `${lines.join('\n')}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false;
  writeFileSync(path, text);
  return true;
}

/** Test → [area, feature, outcome]. */
function readResults(target) {
  return existsSync(resultsFile(target)) ? JSON.parse(readFileSync(resultsFile(target), 'utf8')) : {};
}

const CELL = {
  passed: 'yes',
  refused: 'not supported',
  failed: '**fails**',
  skipped: 'skipped',
  mixed: '**fails in part**',
};

/** area → feature → target → cell */
function features() {
  const areas = new Map();
  for (const target of TARGETS) {
    for (const [test, [area, feature, outcome]] of Object.entries(readResults(target))) {
      const rows = atOr(areas, area ?? 'Without a heading', () => new Map());
      const outcomes = atOr(
        atOr(rows, feature ?? test, () => new Map()),
        target,
        () => new Set(),
      );
      outcomes.add(outcome);
    }
  }
  return areas;
}

function atOr(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

function cell(outcomes) {
  if (outcomes === undefined) return '**no result**';
  if (outcomes.has('failed')) return outcomes.has('passed') ? CELL.mixed : CELL.failed;
  return CELL[['skipped', 'refused', 'passed'].find((outcome) => outcomes.has(outcome))];
}

const cells = (row) => TARGETS.map((target) => cell(row.get(target))).join(' | ');

const sorted = (map) => [...map].sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));

function featureTables(areas) {
  return sorted(areas)
    .filter(([area]) => area !== COMMAND_AREA)
    .flatMap(([area, rows]) => [
      `### ${area}`,
      '',
      '| feature | Apache 5.5.0 | RocketNest |',
      '| --- | --- | --- |',
      ...sorted(rows).map(([feature, row]) => `| ${feature} | ${cells(row)} |`),
      '',
    ]);
}

function commandTable(results = new Map()) {
  const commands = JSON.parse(readFileSync(resultsFile('mqadmin-commands'), 'utf8'));
  return commands.map((command) => {
    const row = results.get(command) ?? new Map();
    const reason = commandReasons.get(command);
    const ours = cell(row.get('rocketnest'));
    return `| \`${command}\` | ${cell(row.get('apache'))} | ${reason && ours === CELL.passed ? CELL.refused : ours} | ${reason ?? ''} |`;
  });
}

async function requestTable() {
  const load = (name) => import(pathToFileURL(join(root, `packages/${name}/dist/esm/index.js`)).href);
  const [{ RequestCode }, { Broker, unsupportedRequests }, { NameServer }] = await Promise.all(
    ['protocol', 'broker', 'namesrv'].map(load),
  );
  const broker = new Set(new Broker({ storePathRootDir: join(root, '.cache', 'no-store') }).requestCodes);
  const namesrv = new Set(new NameServer({ kvConfigPath: '' }).requestCodes);
  const absent = new Map(unsupportedRequests.map(({ code, why }) => [code, why]));
  return Object.entries(RequestCode)
    .sort(([, a], [, b]) => a - b)
    .map(([name, code]) => {
      const servers = [...(broker.has(code) ? ['broker'] : []), ...(namesrv.has(code) ? ['name server'] : [])];
      const answer =
        servers.length > 0 ? servers.join(', ') : (requestReasons.get(name) ?? absent.get(code) ?? '**missing**');
      return `| ${code} | \`${name}\` | ${answer} |`;
    });
}

/** The text of docs/compatibility.md. */
export async function compatibilityPage() {
  const areas = features();
  const counts = TARGETS.map(
    (target) => Object.values(readResults(target)).filter(([, , outcome]) => outcome === 'passed').length,
  );
  return [
    '# Compatibility with Apache RocketMQ 5.5.0',
    '',
    '<!-- Generated by scripts/generate-docs.mjs from test/interop/results and the processor tables: do not edit. -->',
    '',
    'The Java suite (`test/interop/java`) drives the official Java client, its admin client and mqadmin. It runs unchanged on',
    `Apache's name server and broker (${counts[0]} tests pass) and on RocketNest's (${counts[1]} tests pass). A row says yes when all its tests pass.`,
    '',
    '## Features',
    '',
    ...featureTables(areas),
    '## Requests',
    '',
    'Which of our servers answers a request code. Every other code is answered with `REQUEST_CODE_NOT_SUPPORTED`.',
    '',
    '| code | request | answered by, or why not |',
    '| --- | --- | --- |',
    ...(await requestTable()),
    '',
    '## mqadmin commands',
    '',
    'Yes: the command did what it is for, or was refused in the words of a feature that is not switched on. Not supported: so says the',
    'server that was asked (of Apache, a broker without controller and container).',
    '',
    '| command | Apache 5.5.0 | RocketNest | |',
    '| --- | --- | --- | --- |',
    ...commandTable(areas.get(COMMAND_AREA)),
    '',
  ].join('\n');
}
