import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Pages of docs/nestjs whose every TypeScript snippet is a module of its own. */
const PAGES = ['idempotency.md', 'listeners.md', 'operations.md'];

const snippetsOf = (page: string): string[] =>
  [...readFileSync(join(root, 'docs', 'nestjs', page), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(
    ([, code]) => code!,
  );

describe('docs/nestjs', () => {
  it.each(PAGES)('%s: every snippet compiles against what was built', (page) => {
    const snippets = snippetsOf(page);
    expect(snippets.length).toBeGreaterThan(0);
    // Inside the repository, so that packages are found.
    mkdirSync(join(root, '.cache'), { recursive: true });
    const directory = mkdtempSync(join(root, '.cache', 'snippets-'));
    try {
      for (const [i, code] of snippets.entries()) writeFileSync(join(directory, `snippet-${i + 1}.ts`), code);
      writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }));
      writeFileSync(
        join(directory, 'tsconfig.json'),
        JSON.stringify({
          extends: '../../tsconfig.base.json',
          compilerOptions: {
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
          },
          include: ['.'],
        }),
      );
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', directory], {
        cwd: directory,
        encoding: 'utf8',
      });
      expect(`${stdout}${stderr}`).toBe('');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
