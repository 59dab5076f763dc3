import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { RESULTS } from '../harness/command.js';
import { pageFiles, readNotes } from '../harness/page-files.js';
import { consoleTable } from '../harness/report.js';
import { readResults, type ScenarioResult, writeResults } from '../harness/results.js';
import { Scripted } from './scripted.js';

const { scenario } = new Scripted(() => ({}));
const RESULT: ScenarioResult = {
  title: scenario.title,
  load: scenario.load,
  check: scenario.check,
  figures: scenario.figures,
  peers: scenario.peers.map(({ name, title, settings }) => ({ name, title, settings })),
  warmupSeconds: 5,
  seconds: 10,
  rounds: 2,
  quick: false,
  date: '2026-01-02',
  commit: 'abc1234',
  machine: { cpu: '2 × Some CPU', memory: '8 GiB', system: 'Some Linux', node: '22.0.0', java: '17' },
  runs: [
    { peer: 'theirs', round: 1, figures: { rate: 10_000, p99: 8 } },
    { peer: 'ours', round: 1, figures: { rate: 30_000, p99: 6.25 } },
    { peer: 'theirs', round: 2, figures: { rate: 12_000, p99: 9 } },
    { peer: 'ours', round: 2, figures: { rate: 33_000, p99: 7 } },
  ],
};

describe('docs/benchmarks.md', () => {
  const files = pageFiles({ 'made-up': RESULT }, 'The profile blames the disk.\n');
  const page = files['docs/benchmarks.md']!;

  it('shows medians, spread, ratio and goal of each figure', () => {
    expect(page).toContain(
      '| rate, messages a second | 11,000 (10,000–12,000) | 31,500 (30,000–33,000) | 2.86 (2.75–3.00) | higher | ≥ 2× met |',
    );
    expect(page).toContain(
      '| latency p99, ms | 8.5 (8.0–9.0) | 6.6 (6.3–7.0) | 0.78 (0.78–0.78) | lower | ≤ 5.0 ms **missed** |',
    );
  });

  it('names machine, versions, settings, commit and command', () => {
    for (const words of [
      '2 × Some CPU, 8 GiB; Some Linux; Node 22.0.0, Java 17',
      'abc1234 (2026-01-02)',
      '**Theirs 1.0**: settings of theirs',
      '`npm run bench -- made-up`',
    ]) {
      expect(page).toContain(words);
    }
  });

  it('shows missed goals beside those that were met, and what people say about them', () => {
    expect(page).toContain(
      '| [Made up](#made-up) | latency p99, ms | 6.6 (6.3–7.0) | 0.78 (0.78–0.78) | ≤ 5.0 ms | **missed** |',
    );
    expect(page).toContain('## Notes\n\nThe profile blames the disk.');
  });

  it('has pictures that are SVG, the same for the same figures', () => {
    const again = pageFiles({ 'made-up': RESULT }, '');
    for (const file of ['docs/benchmarks/ratios.svg', 'docs/benchmarks/rates.svg']) {
      expect(files[file]).toMatch(/^<svg .*<\/svg>\n$/s);
      expect(again[file]).toBe(files[file]);
      expect(page).toContain(`(${file.slice('docs/'.length)})`);
    }
    expect(files['docs/benchmarks/ratios.svg']).toContain('2.9×');
  });

  it('says when figures are those of a smoke run', () => {
    const smoke = pageFiles({ 'made-up': { ...RESULT, quick: true } }, '');
    expect(smoke['docs/benchmarks.md']).toContain('**Smoke runs, not measurements:** made-up.');
  });

  it('leaves out who was not measured', () => {
    const runs = RESULT.runs.filter(({ peer }) => peer === 'ours');
    const alone = pageFiles({ 'made-up': { ...RESULT, runs } }, '')['docs/benchmarks.md']!;
    expect(alone).toContain('| rate, messages a second | – | 31,500 (30,000–33,000) | – | higher | ≥ 2× |');
    expect(alone).toContain('| latency p99, ms | – | 6.6 (6.3–7.0) | – | lower | ≤ 5.0 ms **missed** |');
  });

  it('in the repository is what the figures in the repository say', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    for (const [path, text] of Object.entries(pageFiles(readResults(RESULTS), readNotes(root)))) {
      expect({ path, same: existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') === text }).toEqual({
        path,
        same: true, // else: npm run bench -- --docs
      });
    }
  });
});

describe('the table in a terminal', () => {
  it('shows the same, and who won', () => {
    const table = consoleTable(RESULT);
    expect(table).toContain('Theirs 1.0');
    expect(table).toMatch(/rate, messages a second \(higher is better\).*2\.86 \(2\.75–3\.00\).*≥ 2× met/);
    expect(table).toMatch(/latency p99.*MISSED/);
  });
});

describe('the file of the figures', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rocketnest-results-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('gives back what was written', () => {
    const path = join(directory, 'results.json');
    expect(readResults(path)).toEqual({});
    writeResults(path, { 'made-up': RESULT });
    expect(readResults(path)).toEqual({ 'made-up': RESULT });
  });

  it('is named when it is no JSON', () => {
    const path = join(directory, 'broken.json');
    writeFileSync(path, '{');
    expect(() => readResults(path)).toThrow(path);
  });
});
