import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClientInstance, LitePullConsumer, Producer } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { Jvm } from '../support/jvm.js';
import { Servers, targets } from '../support/servers.js';

const QUEUES = 8;
const TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;

/** A member of the group that polls all the time. */
interface Member {
  readonly received: string[];
  queues(): number;
  /** Commits what it received and leaves. */
  leave(): Promise<void>;
}

/** The official client, in a process of its own. */
async function javaMember(namesrvAddr: string, group: string, topic: string, name: string): Promise<Member> {
  const quickRebalance = '-Drocketmq.client.rebalance.waitInterval=1000';
  const driver = [quickRebalance, 'dev.rocketnest.interop.LitePullDriver', namesrvAddr, group, topic, name];
  const jvm = await Jvm.start(`Java lite pull consumer ${name}`, driver);
  const received: string[] = [];
  let queues = 0;
  jvm.child.onLine((line) => {
    if (!line.startsWith('{')) return;
    const event = JSON.parse(line) as { event: string; queues: number; body: string };
    if (event.event === 'share') queues = event.queues;
    else received.push(event.body);
  });
  return {
    received,
    queues: () => queues,
    async leave() {
      jvm.child.endInput();
      await jvm.child.waitForExit(STOP_TIMEOUT_MS);
      await jvm[Symbol.asyncDispose]();
    },
  };
}

/** Ours. */
async function nodeMember(namesrvAddr: string, group: string, topic: string, instanceName: string): Promise<Member> {
  const consumer = new LitePullConsumer({
    namesrvAddr,
    group,
    instanceName,
    consumeFrom: 'FIRST_OFFSET',
    requestTimeoutMs: 30_000,
    pollNameServerIntervalMs: 1_000,
    rebalanceIntervalMs: 1_000,
  }).subscribe(topic);
  await consumer.start();
  const received: string[] = [];
  const reading = (async () => {
    for await (const batch of consumer) received.push(...batch.map(({ body }) => body.toString()));
  })();
  return {
    received,
    queues: () => consumer.assignment.length,
    async leave() {
      await consumer.close();
      await reading;
    },
  };
}

describe.each(targets)('Java and Node lite pull consumers in one group on the servers of %s', (target) => {
  let servers: Servers;
  let instance: ClientInstance;
  let producer: Producer;

  beforeAll(async () => {
    servers = await Servers.start(target, { broker: { defaultTopicQueueNums: QUEUES } });
    instance = new ClientInstance({ namesrvAddr: servers.namesrvAddr, requestTimeoutMs: 30_000 });
    await instance.start();
    producer = new Producer({ group: unique('P'), sendTimeoutMs: 30_000, defaultTopicQueueNums: QUEUES }, instance);
    await producer.start();
  });

  afterAll(async () => {
    await producer?.close();
    await instance?.close();
    await servers?.[Symbol.asyncDispose]();
  });

  it('share the queues, and each goes on where the other committed', async () => {
    const topic = unique('T-lite');
    const group = unique('G-lite');
    const present: Member[] = [];
    const all: Member[] = [];
    const join = async (start: typeof javaMember, name: string): Promise<Member> => {
      const member = await start(servers.namesrvAddr, group, topic, name);
      all.push(member);
      present.push(member);
      return member;
    };
    const leave = async (member: Member): Promise<void> => {
      present.splice(present.indexOf(member), 1);
      await member.leave();
    };
    const balanced = () =>
      waitFor(() => present.every((member) => member.queues() === QUEUES / present.length), {
        what: `equal shares of ${present.length}`,
        timeoutMs: TIMEOUT_MS,
      });
    /** Sends messages and waits until each of them was received, by somebody and once. */
    const deliver = async (name: string): Promise<void> => {
      const sent = Array.from({ length: QUEUES * 5 }, (_, i) => `${name} ${i}`);
      for (const body of sent) await producer.send({ topic, body });
      const received = () => all.flatMap((member) => member.received).filter((body) => body.startsWith(`${name} `));
      await waitFor(() => new Set(received()).size === sent.length, { what: `all of ${name}`, timeoutMs: TIMEOUT_MS });
      expect(received().sort()).toEqual(sent.sort());
    };

    try {
      await producer.send({ topic, body: 'first 0' });
      const node = await join(nodeMember, 'b-node');
      await balanced();
      await deliver('Node alone');
      const java = await join(javaMember, 'a-java');
      await balanced();
      await deliver('both');
      expect([node, java].every(({ received }) => received.some((body) => body.startsWith('both ')))).toBe(true);
      await leave(java);
      await balanced();
      await deliver('Node again');
      await leave(node);
      const last = await join(javaMember, 'c-java');
      await balanced();
      await deliver('Java alone');
      // Everything before was committed by Node.
      expect(last.received.every((body) => body.startsWith('Java alone '))).toBe(true);
      expect(node.received).toContain('first 0');
    } finally {
      for (const member of [...present]) await leave(member);
    }
  });
});
