import { Admin } from '@rocketnest/client';
import type { Properties } from '../support/servers.js';
import { Servers, type Target } from '../support/servers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { havoc } from './faults.js';
import { type GroupVerdict, Ledger, type SendCounts, type SendKind } from './ledger.js';
import { Random } from './random.js';
import { POP_GROUP, Receivers } from './receivers.js';
import { Senders, type Topics } from './senders.js';

export interface ChaosOptions {
  readonly target: Target;
  /** How long faults happen. */
  readonly minutes: number;
  /** Of the faults and of failing handlers. The machine's timing is not repeated. */
  readonly seed: number;
  readonly flush: 'SYNC_FLUSH' | 'ASYNC_FLUSH';
  /** Told what happens while it happens. */
  readonly log?: (line: string) => void;
}

export interface ChaosResult {
  readonly faults: ReadonlyMap<string, number>;
  readonly sends: ReadonlyMap<SendKind, SendCounts>;
  readonly groups: readonly GroupVerdict[];
  /** Seen, though rolled back. */
  readonly phantoms: readonly string[];
  /** From the last fault until every group had everything, ms. */
  readonly drainMs: number;
  /** Why the run failed; empty when it passed. */
  readonly problems: readonly string[];
}

const TOPICS: Topics = { plain: 'chaos-plain', ordered: 'chaos-ordered', transactions: 'chaos-transactions' };
/** Retries, checks of transactions and revived pops come within a few seconds each; nothing at all for this long is a loss. */
const PATIENCE_MS = 90_000;
/** Rolled back messages that come to light would do so soon. */
const AFTERMATH_MS = 3_000;

const brokerKeys = (flush: string): Properties => ({
  flushDiskType: flush,
  // seconds instead of minutes until failed messages come again and open transactions are asked about
  messageDelayLevel: '1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s',
  transactionTimeOut: 3_000,
  transactionCheckInterval: 3_000,
  transactionCheckMax: 1_000,
  registerNameServerPeriod: 10_000,
});

/** Sends and consumes in all ways while servers are killed and the network fails, then compares what was promised with what came. */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { target, flush } = options;
  await using servers = await Servers.start(target, { brokers: [{}, {}], namesrvs: 2, broker: brokerKeys(flush) });
  const proxies = new Map<string, TcpProxy>();
  try {
    for (const { address } of [...servers.namesrvs, ...servers.brokers])
      proxies.set(address, await TcpProxy.start(address));
    return await run(servers, proxies, options);
  } finally {
    for (const proxy of proxies.values()) await proxy[Symbol.asyncDispose]();
  }
}

async function run(
  servers: Servers,
  proxies: ReadonlyMap<string, TcpProxy>,
  { minutes, seed, log = () => {} }: ChaosOptions,
): Promise<ChaosResult> {
  const client = {
    namesrvAddr: servers.namesrvAddr,
    addressMap: (address: string) => proxies.get(address)?.address ?? address,
  };
  await createTopics(client);
  const random = new Random(seed);
  const ledger = new Ledger();
  await using receivers = new Receivers(client, TOPICS, ledger, random);
  await using senders = new Senders(client, TOPICS, ledger, random);
  await receivers.start();
  await senders.start();
  log('everything runs');

  const scene = { servers, network: [...proxies.values()], seats: receivers.seats, random };
  const faults = await havoc(scene, Date.now() + minutes * 60_000, log);
  const quietAt = Date.now();
  await senders.stop();
  await drained(ledger, log);
  const drainMs = Date.now() - quietAt;
  await new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS));

  const result = { faults, sends: ledger.sends, groups: ledger.verdicts(), phantoms: ledger.phantoms, drainMs };
  return { ...result, problems: problemsOf(result) };
}

async function createTopics(client: { namesrvAddr: string }): Promise<void> {
  await using admin = new Admin(client);
  await admin.start();
  for (const topic of Object.values(TOPICS)) await admin.topics.create({ topic, queues: 4 });
  await admin.groups.setRequestMode({ topic: TOPICS.plain, group: POP_GROUP, mode: 'POP' });
}

/** Resolves when nothing is missing, or nothing has come for so long that nothing will. */
async function drained(ledger: Ledger, log: (line: string) => void): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  let progressAt = Date.now();
  for (;;) {
    const perGroup = ledger.groups.map((group) => ledger.missing(group).length);
    const missing = perGroup.reduce((sum, one) => sum + one, 0);
    if (missing === 0) return;
    if (missing < before) progressAt = Date.now();
    else if (Date.now() - progressAt > PATIENCE_MS) return;
    before = Math.min(before, missing);
    log(`waiting for ${ledger.groups.map(({ name }, i) => `${name} ${perGroup[i]}`).join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

function problemsOf({ sends, groups, phantoms }: Pick<ChaosResult, 'sends' | 'groups' | 'phantoms'>): string[] {
  const SHOWN = 20;
  const problems: string[] = [];
  const list = (what: string, items: readonly string[]) => {
    if (items.length === 0) return;
    const more = items.length > SHOWN ? [`… and ${items.length - SHOWN} more`] : [];
    problems.push([`${items.length} ${what}:`, ...items.slice(0, SHOWN), ...more].join('\n    '));
  };
  for (const kind of ['sync', 'async', 'ordered', 'transaction'] as const)
    if (!sends.get(kind)?.acknowledged) problems.push(`no ${kind} send was ever acknowledged`);
  for (const { group, lost, disorder } of groups) {
    list(`acknowledged messages never came to ${group}`, lost);
    list(`messages came to ${group} before an earlier one of their key`, disorder);
  }
  list('messages were seen although their transaction was rolled back', phantoms);
  return problems;
}

/** What happened, for people. */
export function summary({ faults, sends, groups, drainMs, problems }: ChaosResult): string {
  const count = [...faults.values()].reduce((sum, one) => sum + one, 0);
  const lines = [
    `${count} faults: ${[...faults].map(([name, times]) => `${name} ${times}`).join(', ')}`,
    ...[...sends].map(([kind, { acknowledged, failed, longestGapMs }]) => {
      const failures = [...failed].map(([name, times]) => `${times} ${name}`).join(', ') || 'none';
      return `sent ${kind}: ${acknowledged} acknowledged, failed: ${failures}; longest time without an acknowledgement ${longestGapMs} ms`;
    }),
    ...groups.map(
      ({ group, delivered, duplicates, lost, disorder }) =>
        `${group}: ${delivered} messages, ${duplicates} duplicates, ${lost.length} lost, ${disorder.length} out of order`,
    ),
    `everything had arrived ${drainMs} ms after the last fault`,
    ...problems.map((problem) => `PROBLEM: ${problem}`),
  ];
  return lines.join('\n');
}
