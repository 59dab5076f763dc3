import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Admin, Producer } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { type Member, type MemberOptions, type Received, startMember } from '../support/group-members.js';
import { java } from '../support/java.js';
import { node } from '../support/node.js';
import { type InMessage, type Peer, receivedMessages } from '../support/peer.js';
import { Servers, targets } from '../support/servers.js';

const QUEUES = 4;
const DRAIN_TIMEOUT_MS = 120_000;
const popInvisibleTimeMs = 5_000;

const javaPeer = java();
afterAll(() => javaPeer.close());

/** Properties whose values differ from one delivery to the next. */
const OF_A_DELIVERY = ['POP_CK', '1ST_POP_TIME', 'CONSUME_START_TIME', 'ORIGIN_GROUP'];
const RECEIPT = /^\d+ \d+ 5000 \d+ [012] broker-a \d+ \d+$/;

/** What a listener sees of a message, apart from what differs between deliveries. */
const seen = ({ body, msgId, properties, queueOffset, reconsumeTimes, tags, topic }: InMessage) => ({
  topic,
  body: body.toString(),
  tags,
  msgId,
  // In a retry topic it is the place among the retries of the group.
  queueOffset: reconsumeTimes === 0 ? queueOffset : 'of the retry',
  reconsumeTimes,
  properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !OF_A_DELIVERY.includes(name))),
  ofTheDelivery: OF_A_DELIVERY.filter((name) => name in properties),
});

describe.each(targets)('Java and Node members of groups that pop, on the servers of %s', (target) => {
  let servers: Servers;
  let admin: Admin;
  let producer: Producer;

  beforeAll(async () => {
    servers = await Servers.start(target);
    admin = new Admin({ namesrvAddr: servers.namesrvAddr, requestTimeoutMs: 30_000 });
    await admin.start();
    producer = new Producer({ namesrvAddr: servers.namesrvAddr, group: unique('P'), sendTimeoutMs: 30_000 });
    await producer.start();
  });

  afterAll(async () => {
    await producer?.close();
    await admin?.close();
    await servers?.[Symbol.asyncDispose]();
  });

  async function popGroup(topic: string): Promise<string> {
    const group = unique('G-pop');
    await admin.groups.create({ groupName: group });
    await admin.groups.setRequestMode({ topic, group, mode: 'POP' });
    return group;
  }

  it('get the same messages with the same fields, the first time and when they failed', async () => {
    const topic = unique('T-pop');
    await admin.topics.create({ topic, queues: 1 });
    const consume = async (peer: Peer) => {
      const group = await popGroup(topic);
      const { namesrvAddr } = servers;
      return peer.consume({ namesrvAddr, group, topic, clientRebalance: false, popInvisibleTimeMs, failures: 1 });
    };
    await using ofJava = await consume(javaPeer);
    await using ofNode = await consume(node);
    await producer.send({ topic, body: '订单', tags: '标签', keys: 'k1 k2', properties: { tenant: 'a' } });
    // The first retry comes after 10 s, whoever asks for it.
    const [byJava, byNode] = await Promise.all([receivedMessages(ofJava, 2), receivedMessages(ofNode, 2)]);
    expect(byNode.map(seen)).toEqual(byJava.map(seen));
    expect(byNode.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([0, 1]);
    for (const message of [...byJava, ...byNode]) expect(message.properties['POP_CK']).toMatch(RECEIPT);
  });

  it('share one group through joins, leaves and kill -9: every message is handled', async () => {
    const topic = unique('T-pop-mixed');
    await admin.topics.create({ topic, queues: QUEUES });
    const group = await popGroup(topic);
    const all: Member[] = [];
    const join = async (kind: 'java' | 'node', instanceName: string) => {
      const { namesrvAddr } = servers;
      const options = { namesrvAddr, group, topic, instanceName, clientRebalance: false, popInvisibleTimeMs };
      const member = await startMember(kind, options satisfies MemberOptions);
      all.push(member);
      return member;
    };
    const acknowledged: string[] = [];
    /** Each of these members handles some of what is sent from now on. */
    const loadReaches = async (...members: Member[]) => {
      const before = members.map((member) => member.received().length);
      await waitFor(
        async () => {
          for (let i = 0; i < 20; i++) {
            const body = `m${acknowledged.length}`;
            await producer.send({ topic, body });
            acknowledged.push(body);
          }
          return members.every((member, i) => member.received().length > before[i]!);
        },
        { what: `messages for ${members.map(({ name }) => name).join(', ')}`, timeoutMs: DRAIN_TIMEOUT_MS },
      );
    };
    try {
      const node1 = await join('node', 'node-1');
      const java1 = await join('java', 'java-1');
      await loadReaches(node1, java1);
      const node2 = await join('node', 'node-2');
      await loadReaches(node1, java1, node2);
      // In the midst of it, with messages popped and pops held.
      const load = loadReaches(java1, node2);
      await node1.kill();
      await load;
      await java1.leave();
      await loadReaches(node2);
      const java2 = await join('java', 'java-2');
      await loadReaches(node2, java2);
      const more = loadReaches(node2);
      await java2.kill();
      await more;
      await loadReaches(node2);
      const handled = (): Received[] => all.flatMap((member) => [...member.received()]);
      const missing = () => {
        const bodies = new Set(handled().map(({ body }) => body));
        return acknowledged.filter((body) => !bodies.has(body));
      };
      await waitFor(() => missing().length === 0 || Promise.reject(new Error(`${missing().length} are missing`)), {
        what: `all of ${acknowledged.length} messages`,
        timeoutMs: DRAIN_TIMEOUT_MS,
      });
      // Only what a killed member had popped may come twice.
      expect(handled().length - acknowledged.length).toBeLessThan(2 * (96 + 32));
    } finally {
      await Promise.all(all.map((member) => member.kill()));
    }
  });
});
