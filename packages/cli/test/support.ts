import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@rocketnest/testing';
import { run } from '../src/run.js';

/** One run of the command line in this process. */
export interface Running {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Waits for the ready line and gives its parts. */
  ready(): Promise<Record<string, string>>;
  /** Sends the stop signal and gives the exit code. */
  stop(): Promise<number>;
  readonly exitCode: Promise<number>;
}

export function start(argv: readonly string[], env: Record<string, string> = {}): Running {
  let stdout = '';
  let stderr = '';
  const stop = new AbortController();
  const exitCode = run(argv, {
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    env,
    stop: stop.signal,
  });
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    exitCode,
    ready: async () => {
      const ended = exitCode.then((code) => {
        if (!stdout.includes('ready')) throw new Error(`ended with ${code} before it was ready: ${stderr}`);
      });
      await Promise.race([
        ended,
        waitFor(() => stdout.includes('\n'), { what: `the ready line of ${argv.join(' ')}` }),
      ]);
      return parseReady(stdout);
    },
    stop: () => {
      stop.abort();
      return exitCode;
    },
  };
}

/** `ready a=1 b=2` → `{ a: '1', b: '2' }`. */
export function parseReady(stdout: string): Record<string, string> {
  const line = /^ready (.*)\n$/.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`not one ready line: ${JSON.stringify(stdout)}`);
  return Object.fromEntries(line.split(' ').map((part) => part.split('=') as [string, string]));
}

/** A directory for one test, removed by `remove`. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'rocketnest-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
