// What npm would publish: packs every public package, lints the tarballs (publint, Are the Types Wrong), installs them
// together into an empty project and loads each by import and by require.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { ok: status === 0, stdout, output: `${stdout}${stderr}${error ? error.message : ''}`.trim() };
}

/** Path of a command of a development dependency, from its package.json. */
function bin(packageName, command) {
  const manifest = join(root, 'node_modules', packageName, 'package.json');
  return join(manifest, '..', require(manifest).bin[command]);
}

const publint = bin('publint', 'publint');
const attw = bin('@arethetypeswrong/cli', 'attw');

const packages = readdirSync(join(root, 'packages'))
  .map((folder) => ({ folder, directory: join(root, 'packages', folder) }))
  .map((entry) => ({ ...entry, manifest: JSON.parse(readFileSync(join(entry.directory, 'package.json'), 'utf8')) }))
  .filter(({ manifest }) => !manifest.private);
const isLibrary = ({ manifest }) => '.' in manifest.exports;

/** Declarations of types that say `any`, comments aside: they would switch off the checks of those who use them. */
function noAny({ directory }) {
  const declarations = readdirSync(join(directory, 'dist', 'esm'), { recursive: true }).filter((path) =>
    path.endsWith('.d.ts'),
  );
  const found = declarations.filter((path) => {
    const text = readFileSync(join(directory, 'dist', 'esm', path), 'utf8').replace(
      /\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'/g,
      '',
    );
    return /\bany\b/.test(text);
  });
  return { ok: found.length === 0, output: found.join('\n') };
}

const problems = [];
const report = (name, what, { ok, output }) =>
  ok || problems.push(`${name}: ${what}\n${output.replace(/^/gm, '    ')}`);

const work = mkdtempSync(join(tmpdir(), 'rocketnest-packages-'));
try {
  for (const entry of packages) {
    const { name } = entry.manifest;
    const packed = run(npm, ['pack', '--json', '--silent', '--pack-destination', work], entry.directory);
    if (!packed.ok) throw new Error(`npm pack failed in ${entry.directory}:\n${packed.output}`);
    const [{ filename, files }] = Object.values(JSON.parse(packed.stdout));
    entry.tarball = join(work, filename);
    const stray = files
      .map(({ path }) => path)
      .filter((path) => !/^(dist\/|bin\/|README\.md$|LICENSE$|NOTICE$|package\.json$)/.test(path));
    report(name, 'the tarball holds files that nobody needs', { ok: stray.length === 0, output: stray.join('\n') });
    const missing = ['README.md', 'LICENSE'].filter((wanted) => !files.some(({ path }) => path === wanted));
    report(name, 'the tarball lacks files', { ok: missing.length === 0, output: missing.join('\n') });
    report(name, 'public declarations say `any`', noAny(entry));
    report(name, 'publint', run(process.execPath, [publint, 'run', entry.tarball, '--strict'], root));
    if (isLibrary(entry)) {
      report(
        name,
        'are the types wrong',
        run(process.execPath, [attw, entry.tarball, '--profile', 'node16', '--no-emoji'], root),
      );
    }
  }

  // Tarballs as dependencies: every @rocketnest package comes from its own tarball, everything else from the registry.
  const tarballs = Object.fromEntries(
    packages.map(({ manifest, tarball }) => [manifest.name, pathToFileURL(tarball).href]),
  );
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const peers = Object.keys(packages.find(({ folder }) => folder === 'nestjs').manifest.peerDependencies);
  writeFileSync(
    join(work, 'package.json'),
    JSON.stringify({
      name: 'consumer',
      private: true,
      dependencies: { ...tarballs, ...Object.fromEntries(peers.map((peer) => [peer, devDependencies[peer]])) },
      overrides: tarballs,
    }),
  );
  const installed = run(npm, ['install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'], work);
  if (!installed.ok) throw new Error(`the tarballs do not install together:\n${installed.output}`);

  const entries = packages.filter(isLibrary).flatMap(({ manifest }) =>
    Object.keys(manifest.exports)
      .filter((path) => path !== './package.json')
      .map((path) => manifest.name + path.slice(1)),
  );
  for (const name of entries) {
    const count = `const count = Object.keys(loaded).length; if (count === 0) throw new Error('no exports'); console.log(count);`;
    const ways = {
      import: ['--input-type=module', '-e', `import * as loaded from '${name}'; ${count}`],
      require: ['--input-type=commonjs', '-e', `const loaded = require('${name}'); ${count}`],
    };
    const counts = Object.entries(ways).map(([way, args]) => {
      const result = run(process.execPath, args, work);
      report(name, `does not load by ${way}`, result);
      return result.stdout.trim();
    });
    const same = counts[0] === counts[1];
    report(name, 'import and require see different exports', { ok: same, output: counts.join(' and ') });
  }
  const cli = packages.find(({ folder }) => folder === 'cli');
  report(
    cli.manifest.name,
    '--help fails',
    run(process.execPath, [join(work, 'node_modules', 'rocketnest', cli.manifest.bin.rocketnest), '--help'], work),
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}

if (problems.length > 0) {
  console.error(`${problems.length} problems in the packages that would be published:\n  ${problems.join('\n  ')}`);
  process.exit(1);
}
console.log(`Packages: ${packages.length} tarballs pack, lint and load (import and require).`);
