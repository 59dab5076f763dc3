import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Producer } from '@rocketnest/client';
import { waitFor } from '@rocketnest/testing';
import { parseReady, temporaryDirectory } from './support.js';

const bin = fileURLToPath(new URL('../dist/bundle/bin.js', import.meta.url));

beforeAll(() => {
  if (!existsSync(bin)) throw new Error(`${bin} is missing: run "npm run build" first`);
});

let directory = '';
let removeDirectory = () => {};
let children: ChildProcess[] = [];
beforeEach(() => {
  ({ path: directory, remove: removeDirectory } = temporaryDirectory());
  children = [];
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  removeDirectory();
});

function launch(argv: readonly string[]) {
  const child = spawn(process.execPath, [bin, ...argv], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    output.stdout += text;
  });
  child.stderr.on('data', (text) => {
    output.stderr += text;
  });
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  const ready = () => waitFor(() => output.stdout.includes('\n'), { what: 'the ready line', timeoutMs: 20_000 });
  return { child, output, exit, ready };
}

describe('the rocketnest program', () => {
  const argv = ['start', '--namesrv-port', '0', '--broker-port', '0'];

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'prints one ready line, keeps its data where it runs and exits with 0 on %s',
    async (signal) => {
      const { child, output, exit, ready } = launch(argv);
      await ready();
      expect(Object.keys(parseReady(output.stdout))).toEqual(['namesrv', 'broker']);
      expect(existsSync(join(directory, 'rocketnest-data', 'commitlog'))).toBe(true);
      child.kill(signal);
      expect(await exit).toEqual([0, null]);
      expect(output.stderr).toBe('');
    },
  );

  it('starts again on the data of a process that was killed', async () => {
    const first = launch(argv);
    await first.ready();
    first.child.kill('SIGKILL');
    await first.exit;
    const second = launch(argv);
    await second.ready();
    second.child.kill('SIGTERM');
    expect(await second.exit).toEqual([0, null]);
  });

  it('exits with 1 and one line on an error', async () => {
    const first = launch(argv);
    await first.ready();
    const port = parseReady(first.output.stdout)['namesrv']!.split(':')[1]!;
    const second = launch(['start', '--namesrv-port', port, '--broker-port', '0', '--data', 'other']);
    expect(await second.exit).toEqual([1, null]);
    expect(second.output.stderr).toMatch(/^rocketnest: cannot listen on [^\n]*in use[^\n]*\n$/);
  });
});

describe('several brokers', () => {
  const argv = ['start', '--namesrv-port', '0', '--broker-port', '0', '--brokers', '2'];
  const childrenOf = ({ pid }: ChildProcess): number[] =>
    execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);

  const answers = (address: string): Promise<boolean> =>
    new Promise((resolve) => {
      const [host, port] = address.split(':');
      const socket = connect(Number(port), host, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });

  async function launchTwo() {
    const launched = launch(argv);
    await launched.ready();
    const { namesrv, broker } = parseReady(launched.output.stdout);
    return { ...launched, namesrvAddr: namesrv!, addresses: broker!.split(';') };
  }

  async function untilSilent(addresses: readonly string[]): Promise<void> {
    for (const address of addresses)
      await waitFor(async () => !(await answers(address)), { what: `${address} to be closed`, timeoutMs: 20_000 });
  }

  it('are one cluster: a topic has queues on each, and each has data of its own', async () => {
    const { child, exit, output, namesrvAddr, addresses } = await launchTwo();
    expect(new Set(addresses).size).toBe(2);
    await using producer = new Producer({ namesrvAddr, group: 'orders' });
    await producer.start();
    const used = new Set<string>();
    for (let i = 0; i < 32; i++) used.add((await producer.send({ topic: 'orders', body: `${i}` })).queue.brokerName);
    expect([...used].sort()).toEqual(['broker-a', 'broker-b']);
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    expect(output.stderr).toBe('');
    await untilSilent(addresses);
    for (const data of ['rocketnest-data', 'rocketnest-data/brokers/broker-b'])
      expect(existsSync(join(directory, data, 'consumequeue', 'orders'))).toBe(true);
  });

  it('are started again where they were when one of them is killed, and the other goes on', async () => {
    const { child, exit, output, addresses } = await launchTwo();
    const [first, second] = childrenOf(child);
    process.kill(second!, 'SIGKILL');
    await waitFor(() => /error broker broker-b ended with SIGKILL and is started again/.test(output.stderr), {
      what: 'the loss to be told',
    });
    await waitFor(() => answers(addresses[1]!), { what: 'broker-b to be back', timeoutMs: 20_000 });
    expect(childrenOf(child)).toContain(first);
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    await untilSilent(addresses);
  });

  it('end when what started them is killed', async () => {
    const { child, exit, addresses } = await launchTwo();
    child.kill('SIGKILL');
    await exit;
    await untilSilent(addresses);
  });

  it('end with one line when one of them cannot start', async () => {
    const { exit, output } = launch(['start', '--data', '/dev/null/x', ...argv.slice(1)]);
    expect(await exit).toEqual([1, null]);
    expect(output.stderr).toMatch(/^rocketnest: cannot write to the data directory [^\n]*\n$/);
    const first = await launchTwo();
    const other = launch(argv);
    expect(await other.exit).toEqual([1, null]);
    expect(other.output.stderr).toMatch(/^rocketnest: broker broker-a: [^\n]*lock[^\n]*\n$/);
    expect(await Promise.all(first.addresses.map(answers))).toEqual([true, true]);
  });

  it('are named when their data is there and they are not started', async () => {
    mkdirSync(join(directory, 'rocketnest-data', 'brokers', 'broker-c'), { recursive: true });
    const { output } = await launchTwo();
    expect(output.stderr).toMatch(/ warn .*brokers holds data of broker-c, not started with --brokers 2[^\n]*\n$/);
  });
});
