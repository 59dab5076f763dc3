import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child, type CommandLine, leashed } from '../../test/support/child.js';
import { javaCommand } from '../../test/support/jvm.js';
import type { Language } from '../peers.js';

/** What was sent or seen: how many messages, and the sum of the CRC-32 of their bodies, modulo 2^32. No two bodies of a run are the same. */
export interface Tally {
  readonly count: number;
  readonly sum: number;
}

/** Latencies in ms. */
export interface Latency {
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What every subcommand of the drivers reports in the end; some add to it. */
export interface DriverResult {
  /** In the time that was measured. */
  readonly messages: number;
  readonly seconds: number;
  readonly latency: Latency;
  /** In all, warm-up included. */
  readonly sent: Tally;
  readonly received: Tally;
  readonly failures: number;
  readonly firstFailure?: string;
}

type Values = Readonly<Record<string, string | number | boolean>>;

const NODE_DRIVER = fileURLToPath(new URL('../drivers/node/main.ts', import.meta.url));

const COMMANDS: Readonly<Record<Language, (home: string, words: readonly string[]) => CommandLine>> = {
  java: (home, words) => javaCommand(home, ['-Xmx1g', 'dev.rocketnest.bench.Driver', ...words], 'defaults'),
  node: (_home, words) => ({ command: process.execPath, args: ['--import', 'tsx', NODE_DRIVER, ...words] }),
};

/**
 * A process that loads servers: `dev.rocketnest.bench.Driver` (the official Java client) or bench/drivers/node (ours). Both take a
 * subcommand and `key=value` words, and print events, one JSON object a line: `ready`, `measuring`, `measured`, `result`.
 */
export class Driver implements AsyncDisposable {
  private constructor(
    readonly child: Child,
    private readonly home: string,
  ) {}

  static async start(language: Language, command: string, values: Values): Promise<Driver> {
    const home = await mkdtemp(join(tmpdir(), 'rocketnest-driver-'));
    const words = [command, ...Object.entries(values).map(([key, value]) => `${key}=${value}`)];
    return new Driver(new Child(`${language} driver ${command}`, leashed(COMMANDS[language](home, words))), home);
  }

  get pid(): number {
    return this.child.pid;
  }

  /** The fields of an event, as soon as it was printed. @throws {Error} with the driver's last output when it ends before or is late */
  async event<T = object>(event: string, timeoutMs: number): Promise<T> {
    const line = new Promise<string>((resolve) => {
      this.child.onLine((text) => {
        if (text.startsWith(`{"event":"${event}"`)) resolve(text);
      });
    });
    return JSON.parse(await this.child.race(line, timeoutMs, `event ${event}`)) as T;
  }

  /** Hears once a minute how many messages are done, of loads that are a number of messages. */
  onProgress(listener: (messages: number) => void): void {
    this.child.onLine((text) => {
      if (text.startsWith('{"event":"progress"')) listener((JSON.parse(text) as { messages: number }).messages);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exit === null) await this.child.kill();
    await rm(this.home, { recursive: true, force: true });
  }
}
