import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { waitFor } from '@rocketnest/testing';
import { apache, apache4 } from './apache.js';
import { Child, type CommandLine, leashed } from './child.js';
import type { JvmMode } from './jvm.js';
import { freePort } from './ports.js';
import { accepts, isRegistered } from './probe.js';
import { rocketnest } from './rocketnest.js';

/** How one implementation's name server and broker are started: from the same two properties files. */
export interface ServerCommands {
  namesrv(files: { home: string; conf: string; jvm?: JvmMode }): CommandLine;
  broker(files: { home: string; conf: string; namesrvAddr: string; jvm?: JvmMode }): CommandLine;
  /** Files that must be there, by their path in the home directory. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Whose servers a test runs against. */
export type Target = 'apache' | 'rocketnest';
/** Those, and what only our client has to work on. */
export type ServerKind = Target | 'apache-4.9';

const COMMANDS: Readonly<Record<ServerKind, ServerCommands>> = { apache, rocketnest, 'apache-4.9': apache4 };
export const serverKinds = Object.keys(COMMANDS) as readonly ServerKind[];
const TARGETS: readonly Target[] = ['apache', 'rocketnest'];

/** The targets of this run: all, or those named in INTEROP_TARGETS. */
export const targets = (process.env['INTEROP_TARGETS']?.split(',') ?? TARGETS) as readonly Target[];
for (const target of targets) {
  if (!TARGETS.includes(target)) throw new Error(`INTEROP_TARGETS names '${target}'; known: ${TARGETS.join(', ')}`);
}

export type Properties = Readonly<Record<string, string | number | boolean>>;

export interface ServerOptions {
  /** storePathRootDir of the first broker. Default: a temporary directory, removed on disposal. */
  readonly storeDir?: string;
  /** Further keys of every broker.conf. */
  readonly broker?: Properties;
  /** One broker (broker-a, broker-b, …) per entry, with keys of its own. Default: one without any. */
  readonly brokers?: readonly Properties[];
  /** Further keys of every namesrv.conf. */
  readonly namesrv?: Properties;
  /** How many name servers; brokers and clients know all. Default: 1. */
  readonly namesrvs?: number;
  /** Further files in the home directory of the servers, by their path there. */
  readonly files?: Readonly<Record<string, string>>;
  /** How Apache's JVMs run: measurements use `defaults`. */
  readonly jvm?: JvmMode;
}

export const CLUSTER_NAME = 'DefaultCluster';

const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 60_000;
const MiB = 1024 * 1024;

/** A running or ended server, and what is needed to start it again. */
interface Server {
  readonly name: string;
  readonly address: string;
  readonly command: CommandLine;
  child: Child;
}

interface Broker extends Server {
  readonly storeDir: string;
}

/**
 * Name servers and brokers (by default one each) as child processes on free loopback ports. Disposal stops what still runs:
 * SIGTERM to the brokers, then to the name servers, each waited for.
 */
export class Servers implements AsyncDisposable {
  private constructor(
    readonly target: ServerKind,
    private readonly home: string,
    readonly namesrvs: readonly Server[],
    readonly brokers: readonly Broker[],
  ) {}

  /** Resolves when a client can use the servers: every broker is registered at every name server. */
  static async start(target: ServerKind, options: ServerOptions = {}): Promise<Servers> {
    const home = await mkdtemp(join(tmpdir(), `rocketnest-${target}-`));
    const servers = await launch(target, home, options).then(
      ({ namesrvs, brokers }) => new Servers(target, home, namesrvs, brokers),
      async (error) => {
        await rm(home, { recursive: true, force: true });
        throw error;
      },
    );
    try {
      for (const broker of servers.brokers) await servers.#ready(broker);
      return servers;
    } catch (error) {
      await servers.kill();
      await servers[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Of all name servers, as clients take it. */
  get namesrvAddr(): string {
    return this.namesrvs.map(({ address }) => address).join(';');
  }

  /** The first name server's process. */
  get namesrv(): Child {
    return this.namesrvs[0]!.child;
  }

  /** The first broker's process. */
  get broker(): Child {
    return this.brokers[0]!.child;
  }

  /** Starts a broker again, on the same store and port, after it was stopped or killed. */
  async restartBroker(index = 0, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    const broker = this.brokers[index]!;
    broker.child = spawnServer(this.target, broker);
    await this.#ready(broker, timeoutMs);
  }

  /** Starts a name server again on its port, after it was killed. It knows what brokers tell it from then on. */
  async restartNamesrv(index = 0): Promise<void> {
    const namesrv = this.namesrvs[index]!;
    const child = spawnServer(this.target, namesrv);
    namesrv.child = child;
    await waitFor(async () => child.exit !== null || (await accepts(namesrv.address)), {
      timeoutMs: START_TIMEOUT_MS,
      what: `${namesrv.name} to accept connections`,
    });
    if (child.exit !== null) throw child.error(`ended with ${child.exit} at its start`);
  }

  /** Stops a broker cleanly. */
  async stopBroker(index = 0): Promise<void> {
    await this.brokers[index]!.child.stop(STOP_TIMEOUT_MS);
  }

  /** kill -9 to all. */
  async kill(): Promise<void> {
    await Promise.all([...this.brokers, ...this.namesrvs].map(({ child }) => child.kill()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const servers of [this.brokers, this.namesrvs]) {
        const running = servers.filter(({ child }) => child.exit === null);
        await Promise.all(running.map(({ child }) => child.stop(STOP_TIMEOUT_MS)));
      }
    } finally {
      await rm(this.home, { recursive: true, force: true });
    }
  }

  async #ready({ name, address, child }: Broker, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    const what = `registration of ${name} at its name servers`;
    // A broker that was killed stays listed until its connection is seen closed, so it must also answer by itself.
    const listed = async () => {
      const answers = await Promise.all(this.namesrvs.map((namesrv) => isRegistered(namesrv.address, address)));
      return answers.every(Boolean);
    };
    const processes = [child, ...this.namesrvs.map((namesrv) => namesrv.child)];
    const gone = () => processes.find(({ exit }) => exit !== null);
    await waitFor(async () => gone() !== undefined || ((await accepts(address)) && (await listed())), {
      timeoutMs,
      what,
    });
    const ended = gone();
    if (ended !== undefined) throw ended.error(`ended with ${ended.exit} before ${what}`);
  }
}

function spawnServer(target: ServerKind, { name, command }: Pick<Server, 'name' | 'command'>): Child {
  return new Child(`${target} ${name}`, leashed(command));
}

/** Ports, directories and properties files, then the processes. */
async function launch(
  target: ServerKind,
  home: string,
  options: ServerOptions,
): Promise<{ namesrvs: Server[]; brokers: Broker[] }> {
  const { jvm = 'quickStart' } = options;
  for (const [path, text] of Object.entries({ ...COMMANDS[target].files, ...options.files })) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), text);
  }
  const namesrvs: Omit<Server, 'child'>[] = [];
  for (let i = 0; i < (options.namesrvs ?? 1); i++) {
    const port = await freePort();
    const name = i === 0 ? 'namesrv' : `namesrv-${i + 1}`;
    const conf = await writeProperties(join(home, `${name}.conf`), {
      bindAddress: '127.0.0.1',
      listenPort: port,
      kvConfigPath: join(home, name, 'kvConfig.json'),
      configStorePath: join(home, name, 'namesrv.properties'),
      ...options.namesrv,
    });
    const command = COMMANDS[target].namesrv({ home, conf, jvm });
    namesrvs.push({ name, address: `127.0.0.1:${port}`, command });
  }
  const namesrvAddr = namesrvs.map(({ address }) => address).join(';');
  const brokers: Omit<Broker, 'child'>[] = [];
  for (const [i, own] of (options.brokers ?? [{}]).entries()) {
    const port = await freePort([-2, 1]);
    const name = `broker-${String.fromCharCode('a'.charCodeAt(0) + i)}`;
    const storeDir = (i === 0 && options.storeDir) || join(home, i === 0 ? 'store' : `store-${name}`);
    await mkdir(storeDir, { recursive: true });
    const conf = await writeProperties(join(home, `${name}.conf`), {
      brokerClusterName: CLUSTER_NAME,
      brokerName: name,
      brokerId: 0,
      brokerIP1: '127.0.0.1',
      bindAddress: '127.0.0.1',
      listenPort: port,
      storePathRootDir: storeDir,
      mappedFileSizeCommitLog: 16 * MiB,
      waitTimeMillsInSendQueue: 10_000, // Apache refuses sends that wait longer than 200 ms, as on a busy machine
      ...options.broker,
      ...own,
    });
    const command = COMMANDS[target].broker({ home, conf, namesrvAddr, jvm });
    brokers.push({ name, address: `127.0.0.1:${port}`, storeDir, command });
  }
  const started = <S extends Omit<Server, 'child'>>(server: S) => ({ ...server, child: spawnServer(target, server) });
  return { namesrvs: namesrvs.map(started), brokers: brokers.map(started) };
}

async function writeProperties(path: string, values: Properties): Promise<string> {
  await writeFile(
    path,
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  return path;
}
