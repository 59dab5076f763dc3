import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import type { Command } from './companion.js';
import type { Narrator } from './narrator.js';

/** The embedded Postgres creates its files first: seconds on an idle machine, much longer on a busy one. */
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 40_000;
const QUIET_LINES = 3;
/** A line of a stack trace: the line before it says what failed. */
const STACK_LINE = /^\W*at /;
/** What a service says once it can be used. */
const SERVES = /^serves (\S+)$/;

export interface ServiceOptions {
  /** Stands before each line of the service's output. */
  readonly name: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A module to load beside the service's own. */
  readonly companion?: URL;
}

/** One service in a process of its own. */
export class ServiceProcess {
  private constructor(
    readonly name: string,
    /** Where it can be reached. */
    readonly url: string,
    private readonly child: ChildProcess,
    /** Settles with the exit code or signal. */
    readonly exited: Promise<string>,
  ) {}

  /** Resolves when the service has said where it serves. @param isQuiet whether its output is shortened now */
  static async start(
    script: URL,
    { name, environment, companion }: ServiceOptions,
    narrator: Narrator,
    isQuiet: () => boolean,
  ): Promise<ServiceProcess> {
    const child = fork(script, [], {
      // The service's output goes through ours, so it is coloured only where ours is.
      env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }), ...environment },
      execArgv: companion === undefined ? [] : ['--import', companion.href],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    });
    let hidden = 0;
    const serves = new Promise<string>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        if (stream === null) continue;
        createInterface({ input: stream }).on('line', (line) => {
          const text = stripVTControlCharacters(line);
          const [, url] = SERVES.exec(text) ?? [];
          if (url !== undefined) resolve(url);
          if (STACK_LINE.test(text)) return;
          hidden = isQuiet() ? hidden + 1 : 0;
          if (hidden <= QUIET_LINES) narrator.service(name, line);
          if (hidden === QUIET_LINES + 1) narrator.service(name, '… and so on');
        });
      }
    });
    const url = await inTime(serves, exited, child, name);
    return new ServiceProcess(name, url, child, exited);
  }

  /** To the companion. */
  command(command: Command): void {
    this.child.send(command);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
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

async function inTime(
  serves: Promise<string>,
  exited: Promise<string>,
  child: ChildProcess,
  name: string,
): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      serves,
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
