import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@rocketnest/testing';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { Child, leashed } from './child.js';

/** A database server of this machine's packages, in a directory of its own, that listens on a socket file only. */
export interface DatabaseServer {
  /** The file; Postgres: its directory, as clients want it. */
  readonly socket: string;
  close(): Promise<void>;
}

/** Seconds on an idle machine; CI is not one. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;

/** Debian keeps servers in /usr/sbin, which only root has on the PATH, and those of Postgres apart. */
const env = { PATH: [process.env.PATH, '/usr/sbin', ...postgresDirectories()].join(':') };

function postgresDirectories(): string[] {
  const base = '/usr/lib/postgresql';
  try {
    return readdirSync(base).map((version) => join(base, version, 'bin'));
  } catch {
    return [];
  }
}

async function start(
  command: string,
  debianPackage: string,
  directory: string,
  args: readonly string[],
  ping: () => Promise<void>,
): Promise<Omit<DatabaseServer, 'socket'>> {
  const server = new Child(command, leashed({ command, args, env }));
  const close = async () => {
    if (server.exit === null) await server.stop(STOP_TIMEOUT_MS);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const answers = waitFor(() => ping().then(() => true), {
      timeoutMs: START_TIMEOUT_MS,
      what: `${command} to answer`,
    });
    answers.catch(() => undefined); // the server's end says more
    await server.race(answers, START_TIMEOUT_MS, 'its first answer');
  } catch (error) {
    const missing = server.exit === NOT_FOUND;
    await close();
    throw missing ? missingProgram(command, debianPackage) : error;
  }
  return { close };
}

/** What a shell says of a command that it does not find. */
const NOT_FOUND = 'code 127';

const missingProgram = (program: string, debianPackage: string): Error =>
  new Error(`${program} is needed and not on the PATH: apt-get install ${debianPackage} (.ci/run does).`);

const temporary = (name: string): string => mkdtempSync(join(tmpdir(), `rocketnest-${name}-`));

/** Nothing is saved to disk. */
export async function startRedis(): Promise<DatabaseServer> {
  const directory = temporary('redis');
  const socket = join(directory, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', ''];
  const server = await start('redis-server', 'redis-server', directory, args, async () => {
    const client = new Redis({ path: socket, lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.ping();
    } finally {
      client.disconnect();
    }
  });
  return { socket, ...server };
}

/** With the user root, without a password, and the empty database `test`. */
export async function startMariaDb(): Promise<DatabaseServer> {
  const directory = temporary('mariadb');
  const socket = join(directory, 'mariadb.sock');
  // It runs as root only when asked to.
  const common = ['--no-defaults', `--datadir=${join(directory, 'data')}`];
  if (process.getuid?.() === 0) common.push('--user=root');
  const install = spawnSync(
    'mariadb-install-db',
    [...common, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { encoding: 'utf8', env: { ...process.env, ...env } },
  );
  if (install.error !== undefined) throw missingProgram('mariadb-install-db', 'mariadb-server');
  if (install.status !== 0) throw new Error(`mariadb-install-db failed:\n${install.stdout}${install.stderr}`);
  const args = [...common, `--socket=${socket}`, '--skip-networking', `--pid-file=${join(directory, 'pid')}`];
  const server = await start('mariadbd', 'mariadb-server', directory, args, async () => {
    const connection = await createConnection({ socketPath: socket, user: 'root' });
    await connection.query('CREATE DATABASE IF NOT EXISTS test');
    await connection.end();
  });
  return { socket, ...server };
}

/** With the user postgres, without a password, and the database postgres. */
export async function startPostgres(): Promise<DatabaseServer> {
  const directory = temporary('postgres');
  const data = join(directory, 'data');
  const install = spawnAsPostgres('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'], directory);
  if (install.error !== undefined || install.status === 127) throw missingProgram('initdb', 'postgresql');
  if (install.status !== 0) throw new Error(`initdb failed:\n${install.stdout}${install.stderr}`);
  const settings = { listen_addresses: '', unix_socket_directories: directory, fsync: 'off', max_connections: '100' };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command, ...args] = asPostgres('postgres', ['-D', data, ...flags]);
  const server = await start(command!, 'postgresql', directory, args, async () => {
    const client = new pg.Client({ host: directory, user: 'postgres', database: 'postgres' });
    await client.connect();
    await client.end();
  });
  return { socket: directory, ...server };
}

/** Postgres refuses to run as root; Debian's package has a user for it. */
const asPostgres = (program: string, args: readonly string[]): string[] =>
  process.getuid?.() === 0
    ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', program, ...args]
    : [program, ...args];

function spawnAsPostgres(program: string, args: readonly string[], directory: string) {
  if (process.getuid?.() === 0) spawnSync('chown', ['postgres', directory]);
  const [command, ...rest] = asPostgres(program, args);
  return spawnSync(command!, rest, { encoding: 'utf8', env: { ...process.env, ...env } });
}
