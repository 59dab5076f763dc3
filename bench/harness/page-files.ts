import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { benchmarksPage, type Picture } from './page.js';
import { ratePlot, ratioPlot } from './plot.js';
import type { Results } from './results.js';

/** What pageFiles gives: text by path from the root of the repository. */
export type Files = Readonly<Record<string, string>>;

/** docs/benchmarks.md and its pictures. `notes` is what bench/notes.md holds. */
export function pageFiles(results: Results, notes: string): Files {
  const plots: readonly (Picture & { readonly svg: string | undefined })[] = [
    {
      file: 'ratios.svg',
      alt: 'How many times better RocketNest is, by scenario',
      svg: ratioPlot(results),
    },
    { file: 'rates.svg', alt: 'Messages a second, by scenario and peer', svg: ratePlot(results, 'messages a second') },
  ];
  const pictures = plots.filter(({ svg }) => svg !== undefined);
  return {
    'docs/benchmarks.md': benchmarksPage({ results, pictures, notes }),
    ...Object.fromEntries(pictures.map(({ file, svg }) => [`docs/benchmarks/${file}`, svg!])),
  };
}

/** What people wrote for the page. */
export function readNotes(root: string): string {
  const path = join(root, 'bench', 'notes.md');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Writes the files; returns their paths. */
export function writePage(root: string, results: Results): string[] {
  return Object.entries(pageFiles(results, readNotes(root))).map(([name, text]) => {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  });
}
