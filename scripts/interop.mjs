// npm run test:interop [-- jest arguments]: the official Java client and Apache's own servers against ours.
// INTEROP_TARGETS=apache (or rocketnest) limits the servers that are tested; the default is both.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareApache, prepareApache4, prepareSpring } from './apache.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

try {
  // All of it first: several test files at a time use it.
  prepareApache();
  prepareApache4();
  prepareSpring();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
run([join(root, 'scripts', 'setup.mjs')]);
run([
  '--experimental-vm-modules',
  join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
  '--config',
  join(root, 'test', 'interop', 'jest.config.mjs'),
  ...process.argv.slice(2),
]);
