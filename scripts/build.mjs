// Builds every package twice, as ESM (dist/esm) and CommonJS (dist/cjs), and the samples. Incremental. The command line is bundled.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleCommandLine } from './bundle.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

for (const project of ['tsconfig.json', 'tsconfig.cjs.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-b', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

// A package.json beside the CommonJS output tells Node and TypeScript that its .js and .d.ts files are CommonJS.
// npm publishes the licence that lies in a package's own folder.
for (const name of readdirSync(join(root, 'packages'))) {
  copyFileSync(join(root, 'LICENSE'), join(root, 'packages', name, 'LICENSE'));
  if (!existsSync(join(root, 'packages', name, 'tsconfig.cjs.json'))) continue;
  const dir = join(root, 'packages', name, 'dist', 'cjs');
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{ "type": "commonjs" }\n');
}

await bundleCommandLine(join(root, 'packages', 'cli'));
