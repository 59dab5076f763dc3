import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';

/** Where the packages of an application come from: `workspace` has RocketNest and Nest 12, the others are installed beside it. */
export type Install = 'workspace' | 'nest12' | 'nest11';

const apps = fileURLToPath(new URL('apps/', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const cache = join(root, '.cache', 'bench-nest');

/** The version that the workspace has, so that peers run on the Nest that ours runs on. Not every package exports its manifest. */
function ours(name: string): string {
  const manifest = join(root, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** Peer packages never become dependencies of the workspace. */
const DEPENDENCIES: Readonly<Record<Exclude<Install, 'workspace'>, () => Readonly<Record<string, string>>>> = {
  nest12: () => ({
    '@nestjs/common': ours('@nestjs/common'),
    '@nestjs/core': ours('@nestjs/core'),
    '@nestjs/microservices': ours('@nestjs/microservices'),
    'reflect-metadata': ours('reflect-metadata'),
    rxjs: ours('rxjs'),
    '@nats-io/transport-node': '3.4.0',
    '@nestjs/bullmq': '12.0.0',
    'amqp-connection-manager': '5.0.0',
    amqplib: '2.3.1',
    bullmq: '6.7.0',
    ioredis: ours('ioredis'),
    kafkajs: '2.2.4',
    'rocketmq-client-nodejs': '1.0.8',
  }),
  nest11: () => ({
    '@nestjs/common': '11.2.6',
    '@nestjs/core': '11.2.6',
    '@nestjs/microservices': '11.2.6',
    '@nestjs/platform-express': '11.2.6',
    'reflect-metadata': ours('reflect-metadata'),
    rxjs: ours('rxjs'),
    '@golevelup/nestjs-rabbitmq': '9.0.2',
    '@horizon-republic/nestjs-jetstream': '1.0.6',
    nats: '2.29.3',
    uuid: '11.1.0',
  }),
};

/** The versions that an installation pins, for the words about a peer. */
export function versionOf(install: Exclude<Install, 'workspace'>, name: string): string {
  return DEPENDENCIES[install]()[name]!;
}

/** The directory of the applications as JavaScript, beside the packages they import; `prepareApps` fills it. */
export const appsOf = (install: Install): string => join(cache, install, 'apps');

/** @throws {Error} when npm cannot install the packages; its output is shown */
export function prepareApps(install: Install): void {
  const directory = join(cache, install);
  mkdirSync(appsOf(install), { recursive: true });
  if (install === 'workspace') writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n');
  else installPackages(directory, install);
  for (const file of readdirSync(apps)) {
    const { code } = transformFileSync(join(apps, file), {
      swcrc: false,
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        target: 'es2022',
      },
      module: { type: 'es6' },
    });
    writeFileSync(join(appsOf(install), file.replace(/\.ts$/, '.js')), code);
  }
}

/** Does nothing when what is pinned is installed: the manifest gets its mark afterwards. */
function installPackages(directory: string, install: Exclude<Install, 'workspace'>): void {
  const path = join(directory, 'package.json');
  const manifest = { name: `bench-${install}`, private: true, type: 'module', dependencies: DEPENDENCIES[install]() };
  const text = (installed: boolean): string => `${JSON.stringify({ ...manifest, installed }, null, 2)}\n`;
  if (read(path) === text(true)) return;
  writeFileSync(path, text(false));
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const { status } = spawnSync('npm', args, {
    cwd: directory,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm could not install the packages of ${path}; its output is above.`);
  writeFileSync(path, text(true));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
