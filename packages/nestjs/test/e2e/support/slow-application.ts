import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Admin, Producer, PushConsumer } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { Child } from '../../../../../test/support/child.js';

const root = new URL('../../../../../', import.meta.url);
const built = fileURLToPath(new URL('packages/nestjs/dist/esm/index.js', root));

/** The program's arguments for Node. In `.cache/nest11/programs` it finds Nest 11; see scripts/nest11.mjs. */
const PROGRAM =
  process.env['ROCKETNEST_TEST_NEST'] === '11'
    ? ['--preserve-symlinks', '--preserve-symlinks-main', new URL('.cache/nest11/programs/slow-handlers.mjs', root)]
    : [new URL('./slow-handlers.mjs', import.meta.url)];
const program = PROGRAM.map((arg) => (arg instanceof URL ? fileURLToPath(arg) : arg));

/** That of this run; see scripts/nest.mjs. */
const FORMAT = process.env['ROCKETNEST_TEST_FORMAT'] ?? 'esm';

/** For a machine that is busy with other things. */
export const PATIENCE_MS = 50_000;

/** What slow-handlers.mjs is started with. */
export interface SlowApplication {
  readonly namesrvAddr: string;
  readonly topic: string;
  readonly group: string;
  /** How long handlers take once SIGTERM has come; -1: forever. */
  readonly handlerMs: number;
  readonly shutdownTimeoutMs: number;
  /** How the program loads Nest and us. Default: as this run of the tests. */
  readonly format?: 'cjs' | 'esm';
}

/** Sends messages, starts the application and resolves when each of them is in a handler. */
export async function inFlight(
  scenario: SlowApplication,
  handlers: number,
): Promise<{ child: Child; bodyOf: ReadonlyMap<string, string> }> {
  if (!existsSync(built)) throw new Error(`${built} is missing: run "npm run build" first`);
  const { namesrvAddr, topic } = scenario;
  const producer = new Producer({ namesrvAddr, group: unique('p'), sendTimeoutMs: 30_000 });
  await producer.start();
  const bodies = Array.from({ length: handlers }, (_, i) => `m${i}`);
  const results = await Promise.all(bodies.map((body) => producer.send({ topic, body })));
  await producer.close();
  const child = new Child('slow-handlers', {
    command: process.execPath,
    args: [...program, JSON.stringify({ format: FORMAT, ...scenario })],
  });
  // Before it is ready nothing of Nest's listens for SIGTERM.
  const awaited = ['ready', `started ${handlers}`];
  const all = waitFor(() => awaited.every((line) => child.lines.includes(line)), {
    what: `${handlers} handlers`,
    timeoutMs: PATIENCE_MS,
  });
  await child.race(all, PATIENCE_MS, `${handlers} handlers`);
  return { child, bodyOf: new Map(results.map(({ msgId }, i) => [msgId, bodies[i]!])) };
}

/** Bodies of the messages whose handlers ended while the database was open. */
export const bodiesDone = ({ lines }: Child): string[] =>
  lines.flatMap((line) => (line.startsWith('done ') ? [line.slice('done '.length)] : []));

/**
 * Everything a successor of the group gets, which reads queues without a committed offset from their start: resolves once it has
 * `expected` messages and nothing is left.
 */
export async function redelivered({ namesrvAddr, topic, group }: SlowApplication, expected: number): Promise<string[]> {
  const got: string[] = [];
  await using consumer = new PushConsumer({ namesrvAddr, group, consumeFrom: 'FIRST_OFFSET' })
    .subscribe(topic)
    .listen((messages) => {
      got.push(...messages.map(({ body }) => body.toString()));
    });
  await consumer.start();
  await using admin = new Admin({ namesrvAddr });
  await admin.start();
  const settled = async (): Promise<boolean> => {
    const queues = consumer.report().queues.filter((queue) => queue.topic === topic);
    const { items } = await admin.offsets.progress(group, topic);
    if (items.length === 0 || queues.length < items.length || got.length < expected) return false;
    const nameOf = ({ brokerName, queueId }: { brokerName: string; queueId: number }) => `${brokerName} ${queueId}`;
    const committed = new Map(queues.map((queue) => [nameOf(queue), queue.committedOffset]));
    // A queue that never had a message has nothing to commit.
    return items.every(({ queue, brokerOffset }) => Math.max(0, committed.get(nameOf(queue)) ?? -1) === brokerOffset);
  };
  await waitFor(settled, { what: 'the successor to have consumed everything', timeoutMs: PATIENCE_MS });
  return got;
}
