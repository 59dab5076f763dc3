// npm run test:conformance -- [--broker rocketnest|apache|apache-4.9] [--no-build] [jest arguments, such as file names or -t TEXT]
// Our client against one implementation's servers: started once for all files, two brokers. The default is ours.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';
import { prepareApache, prepareApache4 } from './apache.mjs';
import { continueOnLoopbackOnly } from './loopback-only.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const PREPARE = { rocketnest: () => {}, apache: prepareApache, 'apache-4.9': prepareApache4 };

/** Takes `--broker KIND` or `--broker=KIND` out of the arguments; the rest is Jest's. */
function parse(args) {
  const at = args.findIndex((arg) => /^--broker(=|$)/.test(arg));
  if (at < 0) return { kind: 'rocketnest', rest: args };
  const inline = args[at].slice('--broker='.length);
  const rest = args.toSpliced(at, inline === '' ? 2 : 1);
  return { kind: inline || args[at + 1], rest };
}

const build = !process.argv.includes('--no-build');
const { kind, rest } = parse(process.argv.slice(2).filter((arg) => arg !== '--no-build'));
if (!Object.hasOwn(PREPARE, kind ?? '')) {
  console.error(`--broker is one of ${Object.keys(PREPARE).join(', ')}, not ${kind}`);
  process.exit(1);
}
try {
  PREPARE[kind]();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
if (build) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'setup.mjs')], { stdio: 'inherit' });
  if (status !== 0) {
    console.error('The build failed (above). --no-build runs the tests on the servers as they were built last.');
    process.exit(1);
  }
}

// 4.9 has no bindAddress.
if (kind === 'apache-4.9') continueOnLoopbackOnly(['--no-build', '--broker', kind, ...rest]);

register();
const { Servers } = await import('../test/support/servers.ts');
const { serverOptions } = await import('../test/conformance/support/server-options.ts');
const servers = await Servers.start(kind, serverOptions);
try {
  const jest = ['--experimental-vm-modules', join(root, 'node_modules', 'jest', 'bin', 'jest.js')];
  const config = ['--config', join(root, 'test', 'conformance', 'jest.config.mjs')];
  const child = spawn(process.execPath, [...jest, ...config, ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, CONFORMANCE_BROKER: kind, CONFORMANCE_NAMESRV: servers.namesrvAddr },
  });
  process.exitCode = await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
} finally {
  await servers[Symbol.asyncDispose]();
}
