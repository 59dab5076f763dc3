import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, type OnModuleDestroy } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { Admin, Producer, PushConsumer } from '@rocketnest/client';
import { type Cluster, startCluster, unique, waitFor } from '@rocketnest/testing';
import { Child } from '../../../../test/support/child.js';
import { RocketMQConnection, RocketMQTemplate, ServerRocketMQ } from '../../src/index.js';
import { at, startApp } from './app.js';

const program = fileURLToPath(new URL('./support/slow-handlers.mjs', import.meta.url));
const built = fileURLToPath(new URL('../../dist/esm/index.js', import.meta.url));

/** Handlers in flight when SIGTERM comes. */
const HANDLERS = 1_000;
/** For a machine that is busy with other things. */
const PATIENCE_MS = 50_000;

interface Scenario {
  readonly topic: string;
  readonly group: string;
  readonly handlerMs: number;
  readonly shutdownTimeoutMs: number;
}

/** Sends the messages, starts the application and resolves when every message is in a handler. */
async function inFlight(
  cluster: Cluster,
  scenario: Scenario,
): Promise<{ child: Child; ids: ReadonlyMap<string, string> }> {
  const producer = new Producer({ namesrvAddr: cluster.namesrvAddr, group: unique('p'), sendTimeoutMs: 20_000 });
  await producer.start();
  const bodies = Array.from({ length: HANDLERS }, (_, i) => `m${i}`);
  const results = await Promise.all(bodies.map((body) => producer.send({ topic: scenario.topic, body })));
  await producer.close();
  const ids = new Map(results.map(({ msgId }, i) => [msgId, bodies[i]!]));
  const child = new Child('slow-handlers', {
    command: process.execPath,
    args: [program, JSON.stringify({ namesrvAddr: cluster.namesrvAddr, ...scenario })],
  });
  const all = waitFor(() => child.lines.includes(`started ${HANDLERS}`), {
    what: 'all handlers',
    timeoutMs: PATIENCE_MS,
  });
  await child.race(all, PATIENCE_MS, `${HANDLERS} handlers`);
  return { child, ids };
}

/** Everything a successor of the group still gets, from the start of queues without a committed offset: resolves once it has `expected` messages and the group has no lag. */
async function redelivered(cluster: Cluster, { topic, group }: Scenario, expected: number): Promise<string[]> {
  const got: string[] = [];
  await using consumer = new PushConsumer({ namesrvAddr: cluster.namesrvAddr, group, consumeFrom: 'FIRST_OFFSET' })
    .subscribe(topic)
    .listen((messages) => {
      got.push(...messages.map(({ body }) => body.toString()));
    });
  await consumer.start();
  await using admin = new Admin({ namesrvAddr: cluster.namesrvAddr });
  await admin.start();
  const settled = async (): Promise<boolean> => {
    const report = consumer.report();
    if (report.queues.filter((queue) => queue.topic === topic).length < 4 || got.length < expected) return false;
    const { items } = await admin.offsets.progress(group, topic);
    const committed = new Map(report.queues.map((queue) => [`${queue.topic} ${queue.queueId}`, queue.committedOffset]));
    return items.every(({ queue, brokerOffset }) => committed.get(`${queue.topic} ${queue.queueId}`) === brokerOffset);
  };
  await waitFor(settled, { what: 'the successor to have consumed everything', timeoutMs: PATIENCE_MS });
  return got;
}

const bodiesDone = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => (line.startsWith('done ') ? [line.slice('done '.length)] : []));

beforeAll(() => {
  if (!existsSync(built)) throw new Error(`${built} is missing: run "npm run build" first`);
});

describe(`SIGTERM with ${HANDLERS} handlers in flight`, () => {
  it('lets all of them finish, before anything they use is closed, and none comes again', async () => {
    await using cluster = await startCluster();
    const scenario = { topic: unique('t'), group: unique('g'), handlerMs: 1_000, shutdownTimeoutMs: 30_000 };
    const { child, ids } = await inFlight(cluster, scenario);
    expect(bodiesDone(child.lines)).toEqual([]);
    expect(await child.stop(PATIENCE_MS)).toBe('signal SIGTERM');

    // 'without database' would make a body unknown.
    expect(bodiesDone(child.lines).sort()).toEqual([...ids.values()].sort());
    expect(child.lines.at(-1)).toBe('database closed');
    expect(child.lines.filter((line) => /^(warn|error) /.test(line))).toEqual([]);
    expect(child.lines.find((line) => /1000 running handlers have 30000 ms to finish/.test(line))).toBeDefined();
    expect(await redelivered(cluster, scenario, 0)).toEqual([]);
  }, 180_000);

  it('names those that do not finish in time, acknowledges none of them, and they come again elsewhere', async () => {
    await using cluster = await startCluster();
    const scenario = { topic: unique('t'), group: unique('g'), handlerMs: -1, shutdownTimeoutMs: 500 };
    const { child, ids } = await inFlight(cluster, scenario);
    expect(await child.stop(PATIENCE_MS)).toBe('signal SIGTERM');

    expect(bodiesDone(child.lines)).toEqual([]);
    const errors = child.lines.filter((line) => line.startsWith('error ')).join('\n');
    expect([...ids.keys()].filter((msgId) => !errors.includes(msgId))).toEqual([]);
    expect(child.lines.find((line) => /1000 of 1000 handlers did not finish within 500 ms/.test(line))).toBeDefined();
    const again = await redelivered(cluster, scenario, HANDLERS);
    expect([...new Set(again)].sort()).toEqual([...ids.values()].sort());
  }, 180_000);
});

describe('a transport', () => {
  it('finishes its handlers before the modules they use are destroyed', async () => {
    await using cluster = await startCluster();
    const topic = unique('t');
    const events: string[] = [];
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));

    @Controller()
    class Handlers implements OnModuleDestroy {
      @EventPattern(topic)
      async on(): Promise<void> {
        events.push('starts');
        await opened;
        events.push('ends');
      }

      onModuleDestroy(): void {
        events.push('destroyed');
      }
    }

    await using app = await startApp(at(cluster), { controllers: [Handlers] }, (nest) => {
      nest.connectMicroservice({
        strategy: new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: unique('g') }),
      });
    });
    await app.app.startAllMicroservices();
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => events.length === 1, { what: 'the handler' });
    const closing = app.close();
    await waitFor(() => app.log.find('log', /1 running handlers have/).length === 1, { what: 'shutdown to begin' });
    open();
    await closing;
    expect(events).toEqual(['starts', 'ends', 'destroyed']);
  });
});
