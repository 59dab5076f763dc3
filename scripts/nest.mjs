// npm run test:nest -- [--nest 11|12] [--format cjs|esm] [--broker rocketnest|apache] [--no-build] [jest arguments]
// The end-to-end tests of @rocketnest/nestjs on a major version of Nest, as CommonJS or as ESM: on all that exist, unless --nest and
// --format choose. With --broker apache all of them share Apache's servers; otherwise every file starts ours for itself, as in `npm test`.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareApache } from './apache.mjs';
import { prepareNest11 } from './nest11.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Nest 12 is ESM only, which Node.js can require() and Jest cannot. */
const VARIANTS = [
  { nest: '11', format: 'cjs' },
  { nest: '11', format: 'esm' },
  { nest: '12', format: 'esm' },
];
const BROKERS = ['rocketnest', 'apache'];

/** Takes `--name VALUE` or `--name=VALUE` out of the arguments. */
function take(args, name) {
  const at = args.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  const [arg] = args.splice(at, 1);
  return arg.includes('=') ? arg.slice(name.length + 3) : (args.splice(at, 1)[0] ?? '');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

const rest = process.argv.slice(2).filter((arg) => arg !== '--no-build');
const build = !process.argv.includes('--no-build');
const chosen = { nest: take(rest, 'nest'), format: take(rest, 'format') };
const broker = take(rest, 'broker') ?? 'rocketnest';
const variants = VARIANTS.filter((variant) =>
  Object.entries(chosen).every(([key, value]) => value === undefined || value === variant[key]),
);
if (!BROKERS.includes(broker)) fail(`--broker is one of ${BROKERS.join(', ')}, not ${broker}`);
if (variants.length === 0) {
  const known = VARIANTS.map(({ nest, format }) => `--nest ${nest} --format ${format}`).join(', ');
  fail(
    `There are ${known}; none of them has ${JSON.stringify(chosen)}. Jest cannot require() Nest 12, which is ESM only.`,
  );
}

try {
  if (variants.some(({ nest }) => nest === '11')) prepareNest11();
  if (broker === 'apache') prepareApache();
} catch (error) {
  fail(error.message);
}
if (build) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'setup.mjs')], { stdio: 'inherit' });
  if (status !== 0) fail('The build failed (above). --no-build runs the tests with what was built last.');
}

/** Resolves with Jest's exit code. */
function runJest({ nest, format }, env) {
  console.log(`\nNest ${nest} as ${format === 'cjs' ? 'CommonJS' : 'ESM'}, broker: ${broker}`);
  // Vm modules as CommonJS too: for dependencies that import() something.
  const jest = ['--experimental-vm-modules', join(root, 'node_modules', 'jest', 'bin', 'jest.js')];
  const child = spawn(process.execPath, [...jest, '--config', join(root, 'jest.nest.config.mjs'), ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env, ROCKETNEST_TEST_NEST: nest, ROCKETNEST_TEST_FORMAT: format },
  });
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

async function runAll(env) {
  for (const variant of variants) process.exitCode = (await runJest(variant, env)) || process.exitCode;
}

if (broker === 'rocketnest') {
  await runAll({});
} else {
  const { register } = await import('tsx/esm/api');
  register();
  const { Servers } = await import('../test/support/servers.ts');
  const { brokerOptions } = await import('../packages/nestjs/test/e2e/broker-options.ts');
  const servers = await Servers.start(broker, { broker: brokerOptions });
  try {
    await runAll({ ROCKETNEST_TEST_NAMESRV: servers.namesrvAddr });
  } finally {
    await servers[Symbol.asyncDispose]();
  }
}
