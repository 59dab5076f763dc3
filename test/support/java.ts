import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classPath } from '../../scripts/apache.mjs';
import { Child, type CommandLine } from './child.js';
import type { ConsumeOptions, InMessage, OutMessage, Peer, Sent, TransactionalMessage } from './peer.js';

const DRIVER = 'dev.rocketnest.interop.InteropClient';
const START_TIMEOUT_MS = 120_000;
const SEND_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const SHOWN_FAILURES = 3;

type Options = Readonly<Record<string, string | number | boolean | undefined>>;
type Event = { readonly event: string } & Readonly<Record<string, unknown>>;

/** A JVM on our class path that keeps what Java code puts into the home directory, such as logs, with the run. */
export function javaCommand(home: string, args: readonly string[]): CommandLine {
  // Short runs: the time to start counts, peak speed does not.
  const quickStart = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  return { command: 'java', args: [...quickStart, `-Duser.home=${home}`, '-cp', classPath, ...args] };
}

/** One JVM running one main class, with a home directory of its own (logs, broadcast offsets). */
export class Jvm implements AsyncDisposable {
  private constructor(
    readonly child: Child,
    private readonly home: string,
  ) {}

  static async start(
    name: string,
    options: {
      jvm?: readonly string[];
      main: string;
      args?: readonly string[];
      env?: Readonly<Record<string, string>>;
    },
  ): Promise<Jvm> {
    const home = await mkdtemp(join(tmpdir(), 'rocketnest-java-'));
    const command = javaCommand(home, ['-Xmx256m', ...(options.jvm ?? []), options.main, ...(options.args ?? [])]);
    return new Jvm(new Child(name, { ...command, env: options.env ?? {} }), home);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exit === null) await this.child.kill();
    await rm(this.home, { recursive: true, force: true });
  }
}

/** A run of the Java driver: its events as they come, ended by closing its input. */
class DriverRun implements AsyncDisposable {
  readonly received: InMessage[] = [];
  readonly checked: InMessage[] = [];
  readonly sent: Sent[] = [];
  readonly failures: string[] = [];

  private constructor(
    private readonly jvm: Jvm,
    private readonly child: Child,
  ) {
    child.onLine((line) => {
      if (line.startsWith('{')) this.#take(JSON.parse(line) as Event);
    });
  }

  static async start(jvmOptions: readonly string[], command: string, options: Options): Promise<DriverRun> {
    const args = Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
    const jvm = await Jvm.start(`Java ${command}`, { jvm: jvmOptions, main: DRIVER, args: [command, ...args] });
    return new DriverRun(jvm, jvm.child);
  }

  give(messages: readonly OutMessage[]): void {
    this.child.write(`${JSON.stringify(messages.map((m) => ({ ...m, body: m.body.toString('base64') })))}\n`);
  }

  async reached(event: string, timeoutMs: number): Promise<void> {
    await this.child.waitForLine((line) => line.includes(`"event":"${event}"`), timeoutMs, `event '${event}'`);
  }

  /** Waits for an end by itself, successful or with the failures the driver printed. */
  async finished(timeoutMs: number): Promise<void> {
    this.child.endInput();
    const exit = await this.child.waitForExit(timeoutMs);
    await this.jvm[Symbol.asyncDispose]();
    if (this.failures.length > 0) throw new JavaClientError(this.#firstFailures());
    if (exit !== 'code 0') throw this.child.error(`ended with ${exit}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finished(STOP_TIMEOUT_MS);
  }

  #firstFailures(): string {
    const more = this.failures.length - SHOWN_FAILURES;
    return this.failures.slice(0, SHOWN_FAILURES).join('; ') + (more > 0 ? `; and ${more} more` : '');
  }

  #take({ event, ...fields }: Event): void {
    if (event === 'sent') this.sent.push(fields as unknown as Sent);
    else if (event === 'received') this.received.push(toInMessage(fields));
    else if (event === 'checked') this.checked.push(toInMessage(fields));
    else if (event === 'failed') this.failures.push(`${fields['error']}: ${fields['message']}`);
  }
}

/** What the Java client threw, as `Class: message`. */
export class JavaClientError extends Error {}

function toInMessage(fields: Readonly<Record<string, unknown>>): InMessage {
  return {
    ...(fields as unknown as InMessage),
    tags: (fields['tags'] as string | undefined) ?? null, // null fields are left out of the JSON
    keys: (fields['keys'] as string | undefined) ?? null,
    body: Buffer.from(fields['body'] as string, 'base64'),
  };
}

/** The official Java client. `jvm`: further JVM arguments. */
export function javaPeer(name: string, jvm: readonly string[] = []): Peer {
  return {
    name,
    async send(mode, { namesrvAddr, group }, messages) {
      const run = await DriverRun.start(jvm, 'send', { mode, namesrv: namesrvAddr, group });
      run.give(messages);
      await run.finished(SEND_TIMEOUT_MS);
      return run.sent;
    },
    async sendInTransaction({ namesrvAddr, group }, messages: readonly TransactionalMessage[]) {
      const run = await DriverRun.start(jvm, 'transaction', { namesrv: namesrvAddr, group });
      run.give(messages);
      await run.reached('done', SEND_TIMEOUT_MS);
      return run;
    },
    async consume({ namesrvAddr, topic, expression = '*', ...options }: ConsumeOptions) {
      const run = await DriverRun.start(jvm, 'consume', {
        namesrv: namesrvAddr,
        topic: `${topic}:${expression}`,
        ...options,
      });
      await run.reached('started', START_TIMEOUT_MS);
      return run;
    },
  };
}

/** Messages that carry a key, found by the Java admin tool through the broker's index. */
export async function queryByKey(namesrvAddr: string, topic: string, key: string): Promise<readonly InMessage[]> {
  const run = await DriverRun.start([], 'query', { namesrv: namesrvAddr, topic, key });
  await run.finished(START_TIMEOUT_MS);
  return run.received;
}

export const java = javaPeer('Java');
export const javaRocketmqHeaders = javaPeer('Java with ROCKETMQ headers', ['-Drocketmq.serialize.type=ROCKETMQ']);
