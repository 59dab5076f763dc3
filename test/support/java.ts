import { Jvm } from './jvm.js';
import type {
  ConsumeOptions,
  Consumer,
  InMessage,
  OutMessage,
  Peer,
  ProduceOptions,
  SendMode,
  Sent,
  TransactionalMessage,
  TransactionRun,
} from './peer.js';

const DRIVER = 'dev.rocketnest.interop.InteropClient';
/** How often a consumer computes its share of the queues; the default of 20 s makes a test wait for a new topic. */
const QUICK_REBALANCE = '-Drocketmq.client.rebalance.waitInterval=1000';
const TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const SHOWN_FAILURES = 3;

interface Event extends Readonly<Record<string, unknown>> {
  readonly id: number;
  readonly event: 'sent' | 'received' | 'checked' | 'failed' | 'ready' | 'done';
}

/** What the Java client threw, as `Class: message`. */
export class JavaClientError extends Error {}

/** One request to the driver and the events that came of it. */
class DriverRun implements AsyncDisposable {
  readonly received: InMessage[] = [];
  readonly checked: InMessage[] = [];
  readonly sent: Sent[] = [];
  /** Settles when a command that stays does its work, or when a command ends. */
  readonly ready: Promise<void>;
  readonly done: Promise<void>;
  readonly #failures: string[] = [];
  #setReady!: () => void;
  #setDone!: () => void;

  constructor(
    private readonly jvm: Jvm,
    private readonly id: number,
    private readonly command: string,
    fields: object,
  ) {
    this.ready = new Promise((resolve) => {
      this.#setReady = resolve;
    });
    this.done = new Promise((resolve) => {
      this.#setDone = resolve;
    });
    jvm.child.write(`${JSON.stringify({ id, command, ...fields })}\n`);
  }

  take({ event, ...fields }: Event): void {
    if (event === 'sent') this.sent.push(fields as unknown as Sent);
    else if (event === 'received') this.received.push(toInMessage(fields));
    else if (event === 'checked') this.checked.push(toInMessage(fields));
    else if (event === 'failed') this.#failures.push(`${fields['error']}: ${fields['message']}`);
    else this.#setReady();
    if (event === 'done') this.#setDone();
  }

  /** @throws JavaClientError with the first failures so far */
  check(): void {
    const more = this.#failures.length - SHOWN_FAILURES;
    if (this.#failures.length === 0) return;
    const shown = this.#failures.slice(0, SHOWN_FAILURES).join('; ');
    throw new JavaClientError(more > 0 ? `${shown}; and ${more} more` : shown);
  }

  async reached(state: Promise<void>): Promise<void> {
    await this.jvm.child.race(state, TIMEOUT_MS, `end of '${this.command}'`);
    this.check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.jvm.child.write(`${JSON.stringify({ id: this.id, command: 'stop' })}\n`);
    await this.reached(this.done);
  }
}

/** The official Java client in a JVM of its own, which starts with the first request. */
export class JavaPeer implements Peer {
  /** Starts with the first request. */
  #jvm: Promise<Jvm> | undefined;
  readonly #runs: DriverRun[] = [];

  /** @param jvmOptions further arguments of the JVM */
  constructor(
    readonly name: string,
    private readonly jvmOptions: readonly string[] = [],
  ) {}

  async send(mode: SendMode, options: ProduceOptions, messages: readonly OutMessage[]): Promise<Sent[]> {
    const run = await this.#run('send', { mode, ...options, messages: messages.map(toJson) });
    await run.reached(run.done);
    return run.sent;
  }

  async sendInTransaction(options: ProduceOptions, messages: readonly TransactionalMessage[]): Promise<TransactionRun> {
    const run = await this.#run('transaction', { ...options, messages: messages.map(toJson) });
    await run.reached(run.ready);
    return run;
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    const run = await this.#run('consume', { expression: '*', ...options });
    await run.reached(run.ready);
    return run;
  }

  /** Messages that carry a key, found by the admin tool through the broker's index. */
  async queryByKey(namesrvAddr: string, topic: string, key: string): Promise<readonly InMessage[]> {
    const run = await this.#run('query', { namesrvAddr, topic, key });
    await run.reached(run.done);
    return run.received;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const jvm = await this.#jvm;
    await jvm?.child.kill();
    await jvm?.[Symbol.asyncDispose]();
  }

  async close(): Promise<void> {
    const jvm = await this.#jvm;
    if (jvm === undefined) return;
    jvm.child.endInput();
    await jvm.child.waitForExit(STOP_TIMEOUT_MS);
    await jvm[Symbol.asyncDispose]();
  }

  async #run(command: string, fields: object): Promise<DriverRun> {
    this.#jvm ??= this.#start();
    const run = new DriverRun(await this.#jvm, this.#runs.length, command, fields);
    this.#runs.push(run);
    return run;
  }

  async #start(): Promise<Jvm> {
    const jvm = await Jvm.start(this.name, [...this.jvmOptions, QUICK_REBALANCE, DRIVER]);
    jvm.child.onLine((line) => {
      if (!line.startsWith('{')) return;
      const event = JSON.parse(line) as Event;
      this.#runs[event.id]!.take(event);
    });
    return jvm;
  }
}

export const java = (): JavaPeer => new JavaPeer('Java');
export const javaWithRocketmqHeaders = (): JavaPeer =>
  new JavaPeer('Java with ROCKETMQ headers', ['-Drocketmq.serialize.type=ROCKETMQ']);

function toJson(message: OutMessage): object {
  return { ...message, body: message.body.toString('base64') };
}

function toInMessage(fields: Readonly<Record<string, unknown>>): InMessage {
  return {
    ...(fields as unknown as InMessage),
    tags: (fields['tags'] as string | undefined) ?? null, // null fields are left out of the JSON
    keys: (fields['keys'] as string | undefined) ?? null,
    body: Buffer.from(fields['body'] as string, 'base64'),
  };
}
