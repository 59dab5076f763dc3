import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@rocketnest/testing';
import { apache } from './apache.js';
import { Child, type CommandLine, leashed } from './child.js';
import type { JvmMode } from './jvm.js';
import { freePort } from './ports.js';
import { accepts, isRegistered } from './probe.js';
import { rocketnest } from './rocketnest.js';

/** How one implementation's name server and broker are started: from the same two properties files. */
export interface ServerCommands {
  namesrv(files: { home: string; conf: string; jvm?: JvmMode }): CommandLine;
  broker(files: { home: string; conf: string; namesrvAddr: string; jvm?: JvmMode }): CommandLine;
}

/** Whose servers a test runs against. */
export type Target = 'apache' | 'rocketnest';

const COMMANDS: Readonly<Record<Target, ServerCommands>> = { apache, rocketnest };

/** The targets of this run: all, or those named in INTEROP_TARGETS. */
export const targets = (process.env['INTEROP_TARGETS']?.split(',') ?? Object.keys(COMMANDS)) as Target[];
for (const target of targets) {
  if (!(target in COMMANDS))
    throw new Error(`INTEROP_TARGETS names '${target}'; known: ${Object.keys(COMMANDS).join(', ')}`);
}

export interface ServerOptions {
  /** storePathRootDir. Default: a temporary directory, removed on disposal. */
  readonly storeDir?: string;
  /** Further keys of broker.conf. */
  readonly broker?: Readonly<Record<string, string | number | boolean>>;
  /** How Apache's JVMs run: measurements use `defaults`. */
  readonly jvm?: JvmMode;
}

const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 60_000;
const MiB = 1024 * 1024;

interface Place {
  readonly home: string;
  readonly namesrvAddr: string;
  readonly brokerAddr: string;
  readonly namesrvConf: string;
  readonly brokerConf: string;
  readonly jvm: JvmMode;
}

/**
 * A name server and a broker as child processes on free loopback ports. Disposal stops what still runs: SIGTERM to the
 * broker, then to the name server, each waited for.
 */
export class Servers implements AsyncDisposable {
  readonly namesrv: Child;
  #broker: Child;

  private constructor(
    readonly target: Target,
    private readonly place: Place,
  ) {
    const { home, namesrvConf, jvm } = place;
    this.namesrv = new Child(`${target} namesrv`, leashed(COMMANDS[target].namesrv({ home, conf: namesrvConf, jvm })));
    this.#broker = this.#spawnBroker();
  }

  /** Resolves when a client can use the servers: the broker is registered at the name server. */
  static async start(target: Target, options: ServerOptions = {}): Promise<Servers> {
    const servers = new Servers(target, await prepare(target, options));
    try {
      await servers.#ready();
      return servers;
    } catch (error) {
      await servers.kill();
      await servers[Symbol.asyncDispose]();
      throw error;
    }
  }

  get namesrvAddr(): string {
    return this.place.namesrvAddr;
  }

  get broker(): Child {
    return this.#broker;
  }

  /** Starts the broker again, on the same store and port, after it was stopped or killed. */
  async restartBroker(): Promise<void> {
    this.#broker = this.#spawnBroker();
    await this.#ready();
  }

  /** kill -9 to both. */
  async kill(): Promise<void> {
    await Promise.all([this.broker.kill(), this.namesrv.kill()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.broker.exit === null) await this.broker.stop(STOP_TIMEOUT_MS);
      if (this.namesrv.exit === null) await this.namesrv.stop(STOP_TIMEOUT_MS);
    } finally {
      await rm(this.place.home, { recursive: true, force: true });
    }
  }

  #spawnBroker(): Child {
    const { home, brokerConf, namesrvAddr, jvm } = this.place;
    const command = COMMANDS[this.target].broker({ home, conf: brokerConf, namesrvAddr, jvm });
    return new Child(`${this.target} broker`, leashed(command));
  }

  async #ready(): Promise<void> {
    const { namesrvAddr, brokerAddr } = this.place;
    const what = `registration of the ${this.target} broker at its name server`;
    // A broker that was killed stays listed until its connection is seen closed, so it must also answer by itself.
    const ready = waitFor(async () => (await accepts(brokerAddr)) && (await isRegistered(namesrvAddr, brokerAddr)), {
      timeoutMs: START_TIMEOUT_MS,
      what,
    });
    await this.namesrv.race(this.broker.race(ready, START_TIMEOUT_MS, what), START_TIMEOUT_MS, what);
  }
}

/** Ports, directories and the two properties files. */
async function prepare(target: Target, options: ServerOptions): Promise<Place> {
  const home = await mkdtemp(join(tmpdir(), `rocketnest-${target}-`));
  const storeDir = options.storeDir ?? join(home, 'store');
  await mkdir(storeDir, { recursive: true });
  const namesrvPort = await freePort();
  const brokerPort = await freePort([-2, 1]);
  return {
    home,
    jvm: options.jvm ?? 'quickStart',
    namesrvAddr: `127.0.0.1:${namesrvPort}`,
    brokerAddr: `127.0.0.1:${brokerPort}`,
    namesrvConf: await writeProperties(join(home, 'namesrv.conf'), {
      bindAddress: '127.0.0.1',
      listenPort: namesrvPort,
    }),
    brokerConf: await writeProperties(join(home, 'broker.conf'), {
      brokerClusterName: 'DefaultCluster',
      brokerName: 'broker-a',
      brokerId: 0,
      brokerIP1: '127.0.0.1',
      bindAddress: '127.0.0.1',
      listenPort: brokerPort,
      storePathRootDir: storeDir,
      mappedFileSizeCommitLog: 16 * MiB,
      waitTimeMillsInSendQueue: 10_000, // Apache refuses sends that wait longer than 200 ms, as on a busy machine
      ...options.broker,
    }),
  };
}

async function writeProperties(
  path: string,
  values: Readonly<Record<string, string | number | boolean>>,
): Promise<string> {
  await writeFile(
    path,
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  return path;
}
