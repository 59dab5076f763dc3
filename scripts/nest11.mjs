// Runs the end-to-end tests of @rocketnest/nestjs on Nest 11 as CommonJS; `npm test` has them on Nest 12 as ESM. Nest 11 is
// installed beside the workspace, in .cache/nest11. Arguments go to Jest.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const directory = join(root, '.cache', 'nest11');
const manifest = join(directory, 'package.json');

const NEST_11 = {
  '@nestjs/common': '^11.0.0',
  '@nestjs/core': '^11.0.0',
  '@nestjs/microservices': '^11.0.0',
  '@nestjs/platform-express': '^11.0.0',
  '@nestjs/terminus': '^11.0.0',
  '@nestjs/testing': '^11.0.0',
  'reflect-metadata': '^0.2.2',
  rxjs: '^7.8.2',
};

function run(command, args, options) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (status !== 0) process.exit(status ?? 1);
}

/** The manifest of what is installed; it is written when the installation has succeeded. */
const wanted = `${JSON.stringify({ name: 'nest11', private: true, dependencies: NEST_11, installed: true }, null, 2)}\n`;
const read = () => {
  try {
    return readFileSync(manifest, 'utf8');
  } catch {
    return '';
  }
};

if (read() !== wanted) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(manifest, JSON.stringify({ name: 'nest11', private: true, dependencies: NEST_11 }));
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  run(npm, ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], { cwd: directory });
  writeFileSync(manifest, wanted);
}

const jest = join(createRequire(import.meta.url).resolve('jest/package.json'), '..', 'bin', 'jest.js');
// Vm modules for dependencies that import() something.
run(
  process.execPath,
  ['--experimental-vm-modules', jest, '--config', join(root, 'jest.nest11.config.mjs'), ...process.argv.slice(2)],
  { cwd: root },
);
