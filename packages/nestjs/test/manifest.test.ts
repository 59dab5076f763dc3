import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

interface Manifest {
  readonly name: string;
  readonly engines?: { readonly node?: string };
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly gypfile?: boolean;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const manifestAt = (directory: string): Manifest =>
  JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
const manifest = manifestAt(join(root, 'packages/nestjs'));
const optional = Object.keys(manifest.peerDependenciesMeta ?? {});
const entries = Object.keys(manifest.exports!)
  .filter((entry) => entry !== './package.json')
  .map((entry) => join(manifest.name, entry));

/** Runs a program in the workspace, as an application would: with what was built. */
const run = (kind: 'module' | 'commonjs', program: string): string =>
  execFileSync(process.execPath, [`--input-type=${kind}`, '--eval', program], { cwd: root, encoding: 'utf8' });

/** Folders of everything that is installed with the package. */
function closure(name: string, found = new Map<string, string>()): Map<string, string> {
  if (found.has(name)) return found;
  const directory = join(root, 'node_modules', name);
  found.set(name, directory);
  for (const dependency of Object.keys(manifestAt(directory).dependencies ?? {})) closure(dependency, found);
  return found;
}

describe('the package', () => {
  it('is for Nest 11 and 12', () => {
    const nest = ['@nestjs/common', '@nestjs/core', '@nestjs/microservices'];
    expect(nest.map((name) => manifest.peerDependencies![name])).toEqual(nest.map(() => '^11.0.0 || ^12.0.0'));
  });

  it('is for Node 20.19 and later', () => {
    const folders = [...closure(manifest.name)].filter(([name]) => name.startsWith('@rocketnest/'));
    expect(folders.map(([, directory]) => manifestAt(directory).engines?.node)).toEqual(folders.map(() => '>=20.19'));
  });

  it('loads as an ES module and as CommonJS, with all of its entries', () => {
    expect(entries.length).toBeGreaterThan(3);
    const names = 'console.log(names.map((module) => Object.keys(module).length > 0).join())';
    const imports = `const names = await Promise.all(${JSON.stringify(entries)}.map((entry) => import(entry)));`;
    const requires = `const names = ${JSON.stringify(entries)}.map((entry) => require(entry));`;
    const all = `${entries.map(() => 'true').join()}\n`;
    expect([run('module', imports + names), run('commonjs', requires + names)]).toEqual([all, all]);
  });

  it('loads optional peers in the entries that need them only', () => {
    const loaded = (entry: string): string[] => {
      const files = run(
        'commonjs',
        `require(${JSON.stringify(entry)}); console.log(Object.keys(require.cache).join('\\n'))`,
      );
      return optional.filter((peer) => files.replaceAll('\\', '/').includes(`/node_modules/${peer}/`));
    };
    expect(optional).toEqual(expect.arrayContaining(['@opentelemetry/api', 'prom-client']));
    const expected = {
      '@rocketnest/nestjs': [],
      '@rocketnest/nestjs/testing': [],
      '@rocketnest/nestjs/idempotency': [],
      '@rocketnest/nestjs/outbox': [],
      '@rocketnest/nestjs/opentelemetry': ['@opentelemetry/api'],
      // prom-client itself depends on OpenTelemetry's API.
      '@rocketnest/nestjs/prometheus': ['@opentelemetry/api', 'prom-client'],
    };
    expect(Object.fromEntries(Object.keys(expected).map((entry) => [entry, loaded(entry)]))).toEqual(expected);
  });

  it('has no any in its declarations', () => {
    const directory = join(root, 'packages/nestjs/dist/esm');
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.d.ts'),
    );
    expect(files.length).toBeGreaterThan(50);
    const comments = /\/\*[\s\S]*?\*\/|\/\/.*/g;
    const withAny = files.filter((file) =>
      /\bany\b/.test(readFileSync(join(directory, file), 'utf8').replaceAll(comments, '')),
    );
    expect(withAny).toEqual([]);
  });

  it('brings no native addon, and nothing that runs at installation', () => {
    const installed = closure(manifest.name);
    expect(installed.size).toBeGreaterThan(5);
    const offenders = [...installed].filter(([, directory]) => {
      const { scripts = {}, gypfile } = manifestAt(directory);
      const hooks = ['preinstall', 'install', 'postinstall'].filter((name) => scripts[name] !== undefined);
      return hooks.length > 0 || gypfile === true || existsSync(join(directory, 'binding.gyp'));
    });
    expect(offenders.map(([name]) => name)).toEqual([]);
  });
});
