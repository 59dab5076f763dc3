import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@rocketnest/testing';
import { parseReady, temporaryDirectory } from './support.js';

const bin = fileURLToPath(new URL('../dist/esm/bin.js', import.meta.url));

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
