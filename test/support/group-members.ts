import { fileURLToPath } from 'node:url';
import { allocateAveragely, allocateByConsistentHash, type ClientInstance, queueKey } from '@rocketnest/client';
import { parseConsumerRunningInfo, Requests } from '@rocketnest/protocol';
import { waitFor } from '@rocketnest/testing';
import { Child } from './child.js';
import { JavaPeer } from './java.js';
import type { ConsumeOptions, Consumer } from './peer.js';

const NODE_MEMBER = fileURLToPath(new URL('./node-member.mjs', import.meta.url));
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
const BALANCE_TIMEOUT_MS = 150_000;
/** Between two questions to all members. */
const ASK_PAUSE_MS = 200;

export interface Received {
  readonly body: string;
  readonly queueId: number;
  readonly receivedTimestamp: number;
}

export type MemberOptions = ConsumeOptions & { readonly instanceName: string };

/** One member of a consumer group in a process of its own. */
export interface Member {
  readonly name: string;
  /** What it handled so far. */
  received(): readonly Received[];
  /** A clean shutdown. */
  leave(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

export async function startMember(kind: 'java' | 'node', options: MemberOptions): Promise<Member> {
  return kind === 'java' ? await JavaMember.start(options) : await NodeMember.start(options);
}

class JavaMember implements Member {
  readonly name: string;

  private constructor(
    private readonly peer: JavaPeer,
    private readonly consumer: Consumer,
    { instanceName }: MemberOptions,
  ) {
    this.name = instanceName;
  }

  static async start(options: MemberOptions): Promise<JavaMember> {
    const peer = new JavaPeer(`Java member ${options.instanceName}`);
    try {
      return new JavaMember(peer, await peer.consume(options), options);
    } catch (error) {
      await peer.kill();
      throw error;
    }
  }

  received(): Received[] {
    return this.consumer.received.map(({ body, queueId, receivedTimestamp }) => ({
      body: body.toString(),
      queueId,
      receivedTimestamp,
    }));
  }

  async leave(): Promise<void> {
    await this.consumer[Symbol.asyncDispose]();
    await this.peer.close();
  }

  kill(): Promise<void> {
    return this.peer.kill();
  }
}

class NodeMember implements Member {
  private readonly messages: Received[] = [];

  private constructor(
    readonly name: string,
    private readonly child: Child,
  ) {
    child.onLine((line) => {
      const { event, ...fields } = JSON.parse(line) as { event: string } & Received;
      if (event === 'received') this.messages.push({ ...fields, body: Buffer.from(fields.body, 'base64').toString() });
    });
  }

  static async start(options: MemberOptions): Promise<NodeMember> {
    const name = `Node member ${options.instanceName}`;
    const child = new Child(name, { command: process.execPath, args: [NODE_MEMBER, JSON.stringify(options)] });
    const ready = new Promise<void>((resolve) =>
      child.onLine((line) => {
        if (line.includes('"ready"')) resolve();
      }),
    );
    try {
      await child.race(ready, START_TIMEOUT_MS, 'start of the consumer');
    } catch (error) {
      await child.kill();
      throw error;
    }
    return new NodeMember(options.instanceName, child);
  }

  received(): readonly Received[] {
    return this.messages;
  }

  async leave(): Promise<void> {
    this.child.endInput();
    await this.child.waitForExit(STOP_TIMEOUT_MS);
  }

  async kill(): Promise<void> {
    await this.child.kill();
  }
}

const STRATEGIES = { AVG: allocateAveragely, CONSISTENT_HASH: allocateByConsistentHash() };

/**
 * Waits until exactly these members are in the group and each of them, as it says itself (GET_CONSUMER_RUNNING_INFO), holds the
 * share of the topic's queues that the strategy gives it: every queue has one owner then.
 */
export async function balanced(
  instance: ClientInstance,
  { group, topic, allocate = 'AVG' }: ConsumeOptions,
  members: readonly Member[],
): Promise<void> {
  const strategy = STRATEGIES[allocate as keyof typeof STRATEGIES];
  await waitFor(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, ASK_PAUSE_MS));
      const clientIds = ((await instance.findConsumerIdList(topic, group)) ?? []).sort();
      const names = clientIds.map((id) => id.slice(id.indexOf('@') + 1)).sort();
      const expectedNames = members.map(({ name }) => name).sort();
      if (names.join() !== expectedNames.join()) throw new Error(`the group is ${names.join()}`);
      const queues = (await instance.routes.find(topic)).subscribeQueues;
      for (const clientId of clientIds) {
        const held = await heldQueues(instance, group, clientId, topic);
        const due = strategy.allocate(clientId, queues, clientIds).map(queueKey).sort();
        if (held.join() !== due.join()) throw new Error(`${clientId} holds ${held.join()}, not ${due.join()}`);
      }
      return true;
    },
    { what: `shares of ${members.map(({ name }) => name).join(', ')}`, timeoutMs: BALANCE_TIMEOUT_MS },
  );
}

async function heldQueues(instance: ClientInstance, group: string, clientId: string, topic: string): Promise<string[]> {
  const address = instance.routes.anyBrokerOf(topic)!;
  const fields = { consumerGroup: group, clientId, jstackEnable: false };
  const { body } = await instance.api.call(address, Requests.getConsumerRunningInfo, fields);
  const ours = parseConsumerRunningInfo(body).mqTable.filter(({ queue, droped }) => queue.topic === topic && !droped);
  return ours.map(({ queue }) => queueKey(queue)).sort();
}
