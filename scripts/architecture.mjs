// The arrows between packages, as a table, and the check that the sources and the package.json files keep to them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const NETWORK = ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns'];
const FILES = ['fs', 'fs/promises'];
const NEST = ['@nestjs/'];

/**
 * folder → the workspace packages it may import, and outside modules that it may not, but for one folder. Nothing else is allowed. What is
 * bundled contains the packages it imports, and does not depend on them.
 */
const ARROWS = {
  'packages/protocol': {
    imports: [],
    never: [...NETWORK, ...FILES, 'timers', 'child_process', 'worker_threads', ...NEST],
  },
  // certificates are files, read again when they change
  'packages/remoting': { imports: ['protocol'], never: [...FILES, ...NEST], exceptIn: 'tls/' },
  'packages/store': { imports: ['protocol'], never: [...NETWORK, ...NEST] },
  'packages/namesrv': { imports: ['protocol', 'remoting'], never: NEST },
  'packages/broker': { imports: ['protocol', 'remoting', 'store'], never: NEST },
  'packages/client': { imports: ['protocol', 'remoting'], never: NEST },
  // namesrv and broker are for `embedded` only, and loaded lazily
  'packages/nestjs': { imports: ['client', 'namesrv', 'broker'], never: NETWORK },
  'packages/testing': { imports: ['protocol', 'remoting', 'namesrv', 'broker'], never: NEST },
  'packages/cli': {
    imports: ['protocol', 'remoting', 'namesrv', 'broker', 'client', 'store'],
    never: NEST,
    bundled: true,
  },
  'samples/shop': { imports: ['broker', 'client', 'nestjs', 'cli'], never: [] },
};

const packageName = (name) => (name === 'cli' ? 'rocketnest' : `@rocketnest/${name}`);
const anyOf = (alternatives) => `(?:${alternatives.join('|')})`;
/** A workspace package as the resolver may report it: by folder, by link, or by name when it is not built. */
const locations = (names) => anyOf(names.flatMap((name) => [`packages/${name}`, packageName(name)]));
const workspace = `^(?:node_modules/)?${anyOf(['packages/[^/]+', '@rocketnest/[^/]+', 'rocketnest'])}(?:/|$)`;

const rules = Object.entries(ARROWS).flatMap(([folder, { imports, never, exceptIn }]) => {
  const own = folder.slice(folder.indexOf('/') + 1);
  const from = { path: `^${folder}/src/` };
  const allowed = folder.startsWith('packages/') ? [own, ...imports] : imports;
  const rows = [
    {
      name: `${folder} imports ${imports.join(', ') || 'no other package'}`,
      from,
      to: { path: workspace, pathNot: `^(?:node_modules/)?${locations(allowed)}(?:/|$)` },
    },
  ];
  if (never.length > 0) {
    const module = anyOf(never.map((name) => (name.endsWith('/') ? name : `${name}$`)));
    rows.push({
      name: `${folder} never imports ${never.join(', ')}`,
      from: exceptIn === undefined ? from : { ...from, pathNot: `^${folder}/src/${exceptIn}` },
      to: { path: `^(?:node:|node_modules/)?${module}` },
    });
  }
  return rows;
});
rules.push({ name: 'no import cycles', from: {}, to: { circular: true } });

const folders = Object.keys(ARROWS).map((folder) => `${folder}/src`);
const { output } = await cruise(folders, {
  parser: 'swc', // TypeScript 7 has no JavaScript API
  validate: true,
  doNotFollow: { path: ['node_modules', '/dist/'] },
  ruleSet: { forbidden: rules.map((rule) => ({ severity: 'error', ...rule })) },
});

const problems = output.summary.violations.map(({ from, to, rule, cycle }) => {
  const path = cycle ? [from, ...cycle.map(({ name }) => name)] : [from, to];
  return `${path.join(' → ')}: "${rule.name}"`;
});

for (const [folder, { imports, bundled = false }] of Object.entries(ARROWS)) {
  const list = bundled ? 'devDependencies' : 'dependencies';
  const { dependencies = {}, [list]: listed = {} } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  );
  const allowed = imports.map(packageName);
  for (const name of Object.keys(dependencies)) {
    if (/^(@rocketnest\/|rocketnest$)/.test(name) && !allowed.includes(name)) {
      problems.push(`${folder}/package.json depends on ${name}: "${folder} imports ${imports.join(', ')}"`);
    }
  }
  for (const { source, dependencies: used } of output.modules) {
    if (!source.startsWith(`${folder}/`)) continue;
    for (const { module } of used) {
      if (allowed.includes(module) && !(module in listed)) {
        problems.push(`${source} imports ${module}, which ${folder}/package.json does not list in ${list}`);
      }
    }
  }
}

if (problems.length > 0) {
  console.error(`${problems.length} imports against the architecture (scripts/architecture.mjs has the table):`);
  for (const problem of problems) console.error(`  ${problem}`);
  process.exit(1);
}
const counted = output.modules.filter(({ source }) => /^(packages|samples)\/[^/]+\/src\//.test(source)).length;
if (counted < folders.length) {
  console.error(`Only ${counted} source files were read: the check is broken, not the code.`);
  process.exit(1);
}
console.log(`Architecture: ${counted} source files keep to the arrows, no import cycles.`);
