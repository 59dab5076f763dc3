import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classPath } from '../../scripts/apache.mjs';
import { Child } from './child.js';
import type { ConsumeOptions, InMessage, OutMessage, Peer, Sent, TransactionalMessage } from './peer.js';

const DRIVER = 'dev.rocketnest.interop.InteropClient';
const START_TIMEOUT_MS = 60_000;
const SEND_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

type Options = Readonly<Record<string, string | number | boolean | undefined>>;
type Event = { readonly event: string } & Readonly<Record<string, unknown>>;

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
    // short-lived processes: start-up time counts, peak speed does not
    const jvm = [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      `-Duser.home=${home}`,
      ...(options.jvm ?? []),
    ];
    const args = [...jvm, '-cp', classPath, options.main, ...(options.args ?? [])];
    return new Jvm(new Child(name, { command: 'java', args, env: options.env ?? {} }), home);
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
    if (this.failures.length > 0) throw new JavaClientError(this.failures.join('; '));
    if (exit !== 'code 0') throw this.child.error(`ended with ${exit}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finished(STOP_TIMEOUT_MS);
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
    tags: null,
    keys: null,
    ...(fields as unknown as InMessage),
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
