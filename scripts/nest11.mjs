// Nest 11 beside the workspace, whose own is 12: in .cache/nest11, installed once.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** The manifest of what is installed; it is written when the installation has succeeded. */
const wanted = `${JSON.stringify({ name: 'nest11', private: true, dependencies: NEST_11, installed: true }, null, 2)}\n`;
const read = () => {
  try {
    return readFileSync(manifest, 'utf8');
  } catch {
    return '';
  }
};

/**
 * Installs Nest 11 unless it is there, and links beside it what programs of tests import: our packages, and the programs themselves.
 * Run with --preserve-symlinks they find this Nest.
 * @throws {Error} when npm fails (its output is shown).
 */
export function prepareNest11() {
  if (read() !== wanted) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(manifest, JSON.stringify({ name: 'nest11', private: true, dependencies: NEST_11 }));
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    const { status } = spawnSync(npm, args, { cwd: directory, stdio: 'inherit' });
    if (status !== 0) throw new Error('Nest 11 could not be installed in .cache/nest11 (above).');
    writeFileSync(manifest, wanted);
  }
  const scope = join(directory, 'node_modules', '@rocketnest');
  mkdirSync(scope, { recursive: true });
  for (const name of readdirSync(join(root, 'packages'))) link(join(root, 'packages', name), join(scope, name));
  link(join(root, 'packages', 'nestjs', 'test', 'e2e', 'support'), join(directory, 'programs'));
}

function link(target, path) {
  rmSync(path, { force: true });
  symlinkSync(target, path, 'junction');
}
