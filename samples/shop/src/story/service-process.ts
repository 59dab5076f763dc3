import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { Narrator } from './narrator.js';

/** The embedded Postgres creates its files on the first start: seconds on an idle machine, much longer on a busy one. */
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 40_000;
const QUIET_LINES = 3;
/** A line of a stack trace: the line before it says what failed. */
const STACK_LINE = /^\W*at /;

/** One service in a process of its own. */
export class ServiceProcess {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    /** Settles with the exit code or signal. */
    readonly exited: Promise<string>,
  ) {}

  /** @param script path from the sample's `dist` folder */
  static async start(
    script: string,
    environment: Readonly<Record<string, string>> & { readonly INSTANCE: string },
    narrator: Narrator,
    isQuiet: () => boolean,
  ): Promise<ServiceProcess> {
    const child = fork(fileURLToPath(new URL(`../${script}`, import.meta.url)), [], {
      // The service's output goes through ours, so it is coloured only where ours is.
      env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }), ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const name = environment.INSTANCE;
    let hidden = 0;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (STACK_LINE.test(stripVTControlCharacters(line))) return;
        hidden = isQuiet() ? hidden + 1 : 0;
        if (hidden <= QUIET_LINES) narrator.service(name, line);
        if (hidden === QUIET_LINES + 1) narrator.service(name, '… and so on');
      });
    }
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    });
    const url = await ready(child, exited, name);
    return new ServiceProcess(url, child, exited);
  }

  /** SIGTERM: the service finishes what it is doing and closes. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
  }
}

async function ready(child: ChildProcess, exited: Promise<string>, name: string): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      new Promise<string>((resolve) => {
        child.on('message', (message) => resolve((message as { ready: string }).ready));
      }),
      exited.then((how) => {
        throw new Error(`${name} ended with ${how} before it was ready; its output is above`);
      }),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          child.kill('SIGKILL');
          reject(new Error(`${name} was not ready within ${START_TIMEOUT_MS / 1000} s`));
        }, START_TIMEOUT_MS);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
