import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCluster } from '@rocketnest/testing';
import * as guide from './docs/guide.js';
import { brokenLinksOf, targetsOf } from './docs/links.js';
import { partsOf, quotesOf, readSources } from './docs/quotes.js';
import { type Snippet, snippetsOf } from './docs/snippets.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const guides = ['docs/nestjs', 'docs/client'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((page) => `${folder}/${page}`),
);
const PAGES = ['README.md', 'README.zh-CN.md', 'packages/nestjs/README.md', 'docs/performance.md', ...guides];

/** Addresses of name servers in guides; a cluster of the test stands behind them. */
const NAME_SERVERS = /[\w.-]+:9876(;[\w.-]+:9876)*/g;

const read = (page: string): string => readFileSync(join(root, page), 'utf8');
const snippets = PAGES.flatMap((page) => snippetsOf(page, read(page)));

// Inside the repository, so that packages are found.
const directory = join(root, '.cache');
mkdirSync(directory, { recursive: true });
const modules = mkdtempSync(join(directory, 'snippets-'));
const helper = relative(modules, fileURLToPath(new URL('./docs/guide.js', import.meta.url))).replaceAll('\\', '/');

const fileOf = ({ name }: Snippet): string => join(modules, `${name.replaceAll(/[/:]/g, '_')}.ts`);
const write = (snippet: Snippet, source = snippet.source): void =>
  writeFileSync(fileOf(snippet), `${source}\nimport * as guide from '${helper}';\n`);

beforeAll(() => {
  for (const snippet of snippets) write(snippet);
  writeFileSync(join(modules, 'package.json'), JSON.stringify({ type: 'module' }));
  process.env['PORT'] = '0';
});
afterAll(async () => {
  await guide.closeDatabase();
  rmSync(modules, { recursive: true, force: true });
});

describe('the guides', () => {
  it('every snippet says how it is run, or why it is not', () => {
    const problems = snippets.filter(({ problem }) => problem !== undefined);
    expect(problems.map(({ name, problem }) => `${name} ${problem}`)).toEqual([]);
  });

  it('links lead somewhere', () => {
    expect(PAGES.flatMap((page) => brokenLinksOf(root, page))).toEqual([]);
  });

  it('the Chinese README has the sections and the links of the English one', () => {
    const outline = (page: string) => {
      const text = read(page);
      return {
        sections: text.match(/^## /gm),
        links: new Set(targetsOf(text).filter((to) => !to.startsWith('README'))),
      };
    };
    expect(outline('README.zh-CN.md')).toEqual(outline('README.md'));
  });

  it('troubleshooting quotes what the sources say', () => {
    const sources = readSources(root);
    const quotes = quotesOf(read('docs/nestjs/troubleshooting.md'));
    expect(quotes.length).toBeGreaterThan(40);
    expect(quotes.filter((quote) => partsOf(quote).join('').length < 12)).toEqual([]);
    expect(quotes.filter((quote) => !partsOf(quote).every((part) => sources.includes(part)))).toEqual([]);
  });

  it('every snippet compiles against what was built', () => {
    const compilerOptions = {
      composite: false,
      declaration: false,
      declarationMap: false,
      incremental: false,
      noEmit: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      // Bodies are left out where they say nothing.
      noUnusedLocals: false,
      noUnusedParameters: false,
    };
    const config = { extends: '../../tsconfig.base.json', compilerOptions, include: ['.'] };
    writeFileSync(join(modules, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', modules], { cwd: modules, encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toBe('');
  });

  it.each(snippets.filter(({ runs }) => runs))('$name runs', async (snippet) => {
    const run = (namesrvAddr?: string) => guide.run(() => import(fileOf(snippet)), namesrvAddr);
    if (snippet.source.search(NAME_SERVERS) < 0) return run();
    await using cluster = await startCluster({ broker: { enablePropertyFilter: true, traceTopicEnable: true } });
    write(snippet, snippet.source.replaceAll(NAME_SERVERS, cluster.namesrvAddr));
    await run(cluster.namesrvAddr);
  });
});
