import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformFileSync } from '@swc/core';

/**
 * Compiles the TypeScript sources of this package and of protocol to JavaScript in `directory`, for child processes: they run plain
 * Node, and `dist` may be older than the sources under test. Returns the path of the store's index.js.
 */
export function compileSources(packages: string, directory: string): string {
  for (const name of ['protocol', 'store']) {
    const from = join(packages, name, 'src');
    const to = join(directory, 'node_modules', '@rocketnest', name);
    for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const target = join(to, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      const { code } = transformFileSync(join(from, file), {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      });
      writeFileSync(target, code);
    }
    writeFileSync(join(to, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }));
  }
  return join(directory, 'node_modules', '@rocketnest', 'store', 'index.js');
}
