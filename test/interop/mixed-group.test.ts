import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ClientInstance, Producer } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { balanced, type Member, type MemberOptions, type Received, startMember } from '../support/group-members.js';
import { Servers, targets } from '../support/servers.js';

const KEYS = 16;
const QUEUES = 8;
const SEND_PAUSE_MS = 10;
/** A dead member's locks of ordered queues last up to a minute. */
const DRAIN_TIMEOUT_MS = 150_000;

/** Sends `key:number` in turn for some keys until it is told to stop; bodies of a key go to one queue, in order. */
class Load {
  readonly acknowledged: string[] = [];
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(
    private readonly producer: Producer,
    private readonly topic: string,
  ) {
    this.#done = this.#run();
  }

  /** Resolves when every key got some more messages. */
  async goesOn(): Promise<void> {
    const from = this.acknowledged.length;
    await waitFor(() => this.acknowledged.length > from + KEYS * 10, { what: 'more acknowledged messages' });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      for (let key = 0; key < KEYS; key++) {
        const body = `${key}:${number}`;
        await this.producer.send({ topic: this.topic, body }, { shardingKey: `key-${key}` });
        this.acknowledged.push(body);
      }
      await new Promise((resolve) => setTimeout(resolve, SEND_PAUSE_MS));
    }
  }
}

/** Jumps ahead within a key: `after 3 comes 5`. Repetitions of what was handled before are no jumps. */
function jumps(received: readonly Received[]): string[] {
  const last = new Map<string, number>();
  const found: string[] = [];
  for (const { body } of received) {
    const [key, text] = body.split(':') as [string, string];
    const number = Number(text);
    const before = last.get(key) ?? -1;
    if (number > before + 1) found.push(`key ${key}: after ${before} comes ${number}`);
    last.set(key, Math.max(before, number));
  }
  return found;
}

describe.each(targets)('Java and Node members in one group on the servers of %s', (target) => {
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

  it.each([
    { allocate: 'CONSISTENT_HASH', orderly: false },
    { allocate: 'AVG', orderly: true },
  ] as const)('share the queues through joins, leaves and kill -9 ($allocate, orderly: $orderly)', async (how) => {
    const topic = unique('T-mixed');
    const group = unique('G-mixed');
    await producer.send({ topic, body: 'creates the topic' });
    const all: Member[] = [];
    let present: Member[] = [];
    const load = new Load(producer, topic);
    const join = async (kind: 'java' | 'node', instanceName: string) => {
      const options: MemberOptions = { namesrvAddr: servers.namesrvAddr, group, topic, instanceName, ...how };
      const member = await startMember(kind, options);
      all.push(member);
      present.push(member);
      await balanced(instance, options, present);
      await load.goesOn();
      return member;
    };
    const gone = async (...members: Member[]) => {
      present = present.filter((member) => !members.includes(member));
      await balanced(instance, { namesrvAddr: servers.namesrvAddr, group, topic, ...how }, present);
      await load.goesOn();
    };

    try {
      const node1 = await join('node', 'b-node-1');
      const java1 = await join('java', 'a-java-1');
      const node2 = await join('node', 'c-node-2');
      const java2 = await join('java', 'd-java-2');
      await node1.leave();
      await gone(node1);
      await Promise.all([node2.kill(), java2.kill()]);
      await gone(node2, java2);
      await join('node', 'a-node-3');
      await java1.leave();
      await gone(java1);
      await load.stop();

      const received = () => all.flatMap((member) => member.received());
      const missing = () => {
        const handled = new Set(received().map(({ body }) => body));
        return load.acknowledged.filter((body) => !handled.has(body));
      };
      await waitFor(() => missing().length === 0 || Promise.reject(new Error(`${missing().length} are missing`)), {
        what: `all of ${load.acknowledged.length} messages`,
        timeoutMs: DRAIN_TIMEOUT_MS,
      });
      // A consistent hash may give a member no queue.
      const idle = all.filter((member) => member.received().length === 0);
      if (how.allocate === 'AVG') expect(idle).toEqual([]);
      else expect(idle.length).toBeLessThan(3);
      if (how.orderly) {
        // Sorting is stable: what one member handled within a millisecond stays in its order.
        const inTime = received()
          .filter(({ body }) => body.includes(':'))
          .sort((a, b) => a.receivedTimestamp - b.receivedTimestamp);
        expect(jumps(inTime)).toEqual([]);
      }
    } finally {
      await load.stop().catch(() => {});
      await Promise.all(present.map((member) => member.kill()));
    }
  });
});
