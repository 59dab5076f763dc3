import type { Servers } from '../support/servers.js';
import type { TcpProxy } from '../support/tcp-proxy.js';
import { Random } from './random.js';
import type { Seat } from './receivers.js';

export interface Scene {
  readonly servers: Servers;
  /** Between clients and each broker and name server. */
  readonly network: readonly TcpProxy[];
  readonly seats: readonly Seat[];
  readonly random: Random;
}

/** Something that goes wrong and is all right again when it resolves. */
interface Fault {
  readonly name: string;
  /** How often, compared with the others. */
  readonly weight: number;
  /** Resolves to what happened, in words. */
  happen(scene: Scene): Promise<string>;
}

const DOWN_MS = [0, 4_000] as const;
/** Longer than timeouts of requests, and than Apache's broker takes for a busy disk. */
const PAUSE_MS = [500, 7_000] as const;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function killBroker({ servers, random }: Scene): Promise<string> {
  const index = random.index(servers.brokers.length);
  const downMs = random.between(...DOWN_MS);
  const broker = servers.brokers[index]!;
  await broker.child.kill();
  await sleep(downMs);
  await servers.restartBroker(index);
  return `${broker.name}, ${Math.round(downMs)} ms later started`;
}

async function killNamesrv({ servers, random }: Scene): Promise<string> {
  const index = random.index(servers.namesrvs.length);
  const downMs = random.between(...DOWN_MS);
  const namesrv = servers.namesrvs[index]!;
  await namesrv.child.kill();
  await sleep(downMs);
  await servers.restartNamesrv(index);
  return `${namesrv.name}, ${Math.round(downMs)} ms later started`;
}

/** Everything at once. */
async function killAll({ servers, random }: Scene): Promise<string> {
  const downMs = random.between(...DOWN_MS);
  await servers.kill();
  await sleep(downMs);
  await Promise.all(servers.namesrvs.map((_, index) => servers.restartNamesrv(index)));
  await Promise.all(servers.brokers.map((_, index) => servers.restartBroker(index)));
  return `all brokers and name servers, ${Math.round(downMs)} ms later started`;
}

/** The process stands still: its connections are open and nobody answers. */
async function freeze({ servers, random }: Scene): Promise<string> {
  const all = [...servers.brokers, ...servers.namesrvs];
  const { child, name } = all[random.index(all.length)]!;
  const ms = random.between(...PAUSE_MS);
  process.kill(child.pid, 'SIGSTOP');
  await sleep(ms);
  process.kill(child.pid, 'SIGCONT');
  return `${name} for ${Math.round(ms)} ms`;
}

async function stall({ network, random }: Scene): Promise<string> {
  const proxy = network[random.index(network.length)]!;
  const ms = random.between(...PAUSE_MS);
  proxy.stall();
  await sleep(ms);
  proxy.resume();
  return `to ${proxy.address} for ${Math.round(ms)} ms`;
}

async function cut({ network }: Scene): Promise<string> {
  for (const proxy of network) proxy.cut();
  return 'of all clients to all servers';
}

async function replaceMember({ seats, random }: Scene): Promise<string> {
  const seat = seats[random.index(seats.length)]!;
  await seat.replace();
  return `of ${seat.group}`;
}

/** Faults of one kind happen one after the other, those of different kinds at the same time. */
const KINDS: Readonly<Record<string, readonly Fault[]>> = {
  servers: [
    { name: 'broker killed', weight: 4, happen: killBroker },
    { name: 'name server killed', weight: 2, happen: killNamesrv },
    { name: 'all servers killed', weight: 1, happen: killAll },
    { name: 'process frozen', weight: 2, happen: freeze },
  ],
  network: [
    { name: 'network stalled', weight: 1, happen: stall },
    { name: 'connections cut', weight: 1, happen: cut },
  ],
  members: [{ name: 'member replaced', weight: 1, happen: replaceMember }],
};
/** Between two faults of a kind. */
const QUIET_MS: readonly [number, number] = [1_000, 10_000];

/** Lets things go wrong until the time is up and everything is all right again. Returns how often each fault happened. */
export async function havoc(scene: Scene, untilMs: number, log: (line: string) => void): Promise<Map<string, number>> {
  const kinds = Object.values(KINDS);
  const counts = new Map(kinds.flat().map(({ name }) => [name, 0]));
  await Promise.all(
    kinds.map(async (faults) => {
      // Of its own, so that the order of its faults does not depend on the others' timing.
      const random = new Random(scene.random.index(2 ** 31));
      const bag = faults.flatMap((fault) => Array<Fault>(fault.weight).fill(fault));
      for (;;) {
        await sleep(random.between(...QUIET_MS));
        if (Date.now() >= untilMs) return;
        const { name, happen } = bag[random.index(bag.length)]!;
        const startedAt = Date.now();
        const what = await happen({ ...scene, random });
        counts.set(name, counts.get(name)! + 1);
        log(`${name}: ${what}; ready after ${Date.now() - startedAt} ms`);
      }
    }),
  );
  return counts;
}
