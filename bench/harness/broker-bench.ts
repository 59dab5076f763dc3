import { Admin } from '@rocketnest/client';
import { type Properties, Servers } from '../../test/support/servers.js';
import type { BrokerPeer, Language } from '../peers.js';
import { anonymousMiB, cpuSeconds, residentMiB } from '../process-figures.js';
import { Driver, type DriverResult, type Tally } from './driver.js';
import { firstAck } from './first-ack.js';
import type { Run } from './scenario.js';
import { expectDisk } from './temporary-files.js';

export interface BenchOptions {
  readonly flush?: 'ASYNC_FLUSH' | 'SYNC_FLUSH';
  /** Further keys of broker.conf, for all peers. */
  readonly broker?: Properties;
  /** Disk that a run takes; default: little. */
  readonly diskGiB?: number;
}

/** Resident memory of name server and broker together. */
export interface Memory {
  readonly residentMiB: number;
  /** Without files that are mapped. */
  readonly anonymousMiB: number;
}

/** What a driver measured, and what it took. */
export interface Load<R extends DriverResult = DriverResult> {
  readonly result: R;
  /** Messages a second. */
  readonly rate: number;
  /** Of name server and broker, per million messages. */
  readonly serverCpuPerMillion: number;
  /** Of the driver, per million messages. */
  readonly clientCpuPerMillion: number;
  /** At the end of the measurement. */
  readonly memory: Memory;
}

type Values = Readonly<Record<string, string | number | boolean>>;

const QUEUES = 8;
/** As long as the official client waits for an answer. */
const PATIENCE_MS = 60_000;
/** Of loads that are compared with each other: the compilers of servers and drivers must be done, or the later one seems fast. */
export const LONG_WARM_UP = 4;
/** On top of what a driver is told to take: starting a JVM on a busy machine, and draining. */
const GRACE_MS = 240_000;
/** Of loads that are a number of messages: 2,000 a second are too slow. */
const PATIENCE_MS_PER_MESSAGE = 0.5;

/** A peer's servers, started fresh for one run, and the drivers that load them. Disposal stops them and removes their files. */
export class BrokerBench implements AsyncDisposable {
  private constructor(
    readonly peer: BrokerPeer,
    readonly servers: Servers,
    private readonly run: Run,
    /** From starting the processes to the first acknowledged send. */
    readonly firstAckMs: number,
  ) {}

  static async start(peer: BrokerPeer, run: Run, options: BenchOptions = {}): Promise<BrokerBench> {
    if (options.diskGiB !== undefined && !run.quick) await expectDisk(options.diskGiB);
    run.step(`starting ${peer.servers}`);
    const startedAt = performance.now();
    const servers = await Servers.start(peer.servers, {
      broker: {
        flushDiskType: options.flush ?? 'ASYNC_FLUSH',
        // A file size that both use in production: what rolling costs is part of the figures.
        mappedFileSizeCommitLog: 1024 * 1024 * 1024,
        // A send that waits long is a long latency; one that is refused for it would be a failed run.
        osPageCacheBusyTimeOutMills: PATIENCE_MS,
        waitTimeMillsInSendQueue: PATIENCE_MS,
        ...options.broker,
      },
      jvm: 'defaults',
    });
    try {
      await firstAck(servers.namesrvAddr);
      return new BrokerBench(peer, servers, run, performance.now() - startedAt);
    } catch (error) {
      await discard(servers);
      throw error;
    }
  }

  /** Creates topics of 8 queues and waits until the name server knows them. */
  createTopics(...topics: readonly string[]): Promise<void> {
    return this.createTopicsOf(QUEUES, topics);
  }

  async createTopicsOf(queues: number, topics: readonly string[]): Promise<void> {
    const admin = new Admin({ namesrvAddr: this.servers.namesrvAddr, requestTimeoutMs: 120_000 });
    await admin.start();
    try {
      await admin.topics.createAll(topics.map((topic) => ({ topic, queues })));
    } finally {
      await admin.close();
    }
  }

  /** A driver on these servers, by default in the peer's language. */
  driver(command: string, values: Values, language: Language = this.peer.client): Promise<Driver> {
    return Driver.start(language, command, { namesrv: this.servers.namesrvAddr, ...values });
  }

  /**
   * Runs a driver that warms up, measures and reports. What it sends must all be acknowledged.
   * @throws {Error} when a send failed
   */
  async load<R extends DriverResult = DriverResult>(
    command: string,
    values: Values,
    language?: Language,
  ): Promise<Load<R>> {
    this.run.step(command);
    await using driver = await this.driver(
      command,
      { warmup: this.run.warmupSeconds, seconds: this.run.seconds, ...values },
      language,
    );
    const messages = Number(values['messages'] ?? values['count'] ?? 0);
    driver.onProgress((done) => this.run.step(`${Math.floor((done / messages) * 100)} %`));
    return await this.#measure<R>(driver, GRACE_MS + messages * PATIENCE_MS_PER_MESSAGE);
  }

  async #measure<R extends DriverResult>(driver: Driver, graceMs: number): Promise<Load<R>> {
    const deadline = (this.run.warmupSeconds + this.run.seconds) * 1_000 + graceMs;
    await this.#event(driver, 'measuring', deadline);
    const [serverBefore, clientBefore] = [this.cpuSeconds(), cpuSeconds(driver.pid)];
    await this.#event(driver, 'measured', deadline);
    const [serverAfter, clientAfter] = [this.cpuSeconds(), cpuSeconds(driver.pid)];
    const memory = this.memory();
    const result = await this.#event<R>(driver, 'result', deadline);
    if (result.failures > 0) throw new Error(`${result.failures} operations failed, the first: ${result.firstFailure}`);
    const millions = result.messages / 1e6;
    return {
      result,
      rate: result.messages / result.seconds,
      serverCpuPerMillion: (serverAfter - serverBefore) / millions,
      clientCpuPerMillion: (clientAfter - clientBefore) / millions,
      memory,
    };
  }

  /**
   * Reads all of a topic with the official client and compares it with what was sent.
   * @throws {Error} when messages are missing, doubled or changed
   */
  async verify(topic: string, sent: Tally, topics = 1): Promise<void> {
    this.run.step(`reading ${sent.count} messages`);
    const stored = await this.stored(topic, sent.count, topics);
    expectTally(stored, sent, `stored in ${topic}`);
  }

  /** What a topic holds, as soon as it holds `count` messages, else after the driver has waited for them. */
  async stored(topic: string, count: number, topics = 1): Promise<Tally> {
    await using reader = await this.driver('verify', { topic, topics, count }, 'java');
    const deadline = GRACE_MS + count * PATIENCE_MS_PER_MESSAGE;
    return (await this.#event<{ received: Tally }>(reader, 'result', deadline)).received;
  }

  /** An event of a driver, unless a server ends first: that is the better explanation of what the driver will say. */
  #event<T = object>(driver: Driver, event: string, timeoutMs: number): Promise<T> {
    const { namesrv, broker } = this.servers;
    const gone = [namesrv, broker].map(async (server) => {
      throw server.error(`ended with ${await server.exited} under load`);
    });
    return Promise.race([driver.event<T>(event, timeoutMs), ...gone]);
  }

  memory(): Memory {
    return { residentMiB: this.#sum(residentMiB), anonymousMiB: this.#sum(anonymousMiB) };
  }

  /** That name server and broker have used so far. */
  cpuSeconds(): number {
    return this.#sum(cpuSeconds);
  }

  #sum(figure: (pid: number) => number): number {
    return figure(this.servers.namesrv.pid) + figure(this.servers.broker.pid);
  }

  /** SIGTERM to both; how long they take. */
  async stop(): Promise<number> {
    this.run.step('stopping');
    const startedAt = performance.now();
    await this.servers[Symbol.asyncDispose]();
    return performance.now() - startedAt;
  }

  /** Nothing of the servers is needed any more: kill -9, and their files are removed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await discard(this.servers);
  }
}

async function discard(servers: Servers): Promise<void> {
  await servers.kill();
  await servers[Symbol.asyncDispose]();
}

/** @throws {Error} unless the tallies are the same */
export function expectTally(seen: Tally, sent: Tally, what: string): void {
  if (seen.count === sent.count && seen.sum === sent.sum) return;
  const difference =
    seen.count === sent.count ? 'as many, but not the same bodies (checksum)' : `${seen.count - sent.count} of them`;
  throw new Error(`${sent.count} messages sent, ${seen.count} ${what}: ${difference}`);
}
