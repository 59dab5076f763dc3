import { describe, expect, it } from '@jest/globals';
import { Controller, type OnModuleDestroy } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { unique, waitFor } from '@rocketnest/testing';
import { RocketMQConnection, RocketMQTemplate, ServerRocketMQ } from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';
import { bodiesDone, inFlight, PATIENCE_MS, redelivered } from './support/slow-application.js';

/** Handlers in flight when SIGTERM comes. */
const HANDLERS = 1_000;

const names = () => ({ topic: unique('t'), group: unique('g') });

describe(`SIGTERM with ${HANDLERS} handlers in flight`, () => {
  it('lets all of them finish, before anything they use is closed, and none comes again', async () => {
    await using cluster = await startCluster();
    const scenario = { namesrvAddr: cluster.namesrvAddr, ...names(), handlerMs: 1_000, shutdownTimeoutMs: 30_000 };
    const { child, bodyOf } = await inFlight(scenario, HANDLERS);
    expect(bodiesDone(child)).toEqual([]);
    expect(await child.stop(PATIENCE_MS)).toBe('signal SIGTERM');

    // 'without database' would make a body unknown.
    expect(bodiesDone(child).sort()).toEqual([...bodyOf.values()].sort());
    expect(child.lines.at(-1)).toBe('database closed');
    expect(child.lines.filter((line) => /^(warn|error) /.test(line))).toEqual([]);
    expect(child.lines.find((line) => /1000 running handlers have 30000 ms to finish/.test(line))).toBeDefined();
    expect(await redelivered(scenario, 0)).toEqual([]);
  }, 180_000);

  it('names those that do not finish in time, acknowledges none of them, and they come again elsewhere', async () => {
    await using cluster = await startCluster();
    const scenario = { namesrvAddr: cluster.namesrvAddr, ...names(), handlerMs: -1, shutdownTimeoutMs: 500 };
    const { child, bodyOf } = await inFlight(scenario, HANDLERS);
    expect(await child.stop(PATIENCE_MS)).toBe('signal SIGTERM');

    expect(bodiesDone(child)).toEqual([]);
    const errors = child.lines.filter((line) => line.startsWith('error ')).join('\n');
    expect([...bodyOf.keys()].filter((msgId) => !errors.includes(msgId))).toEqual([]);
    expect(child.lines.find((line) => /1000 of 1000 handlers did not finish within 500 ms/.test(line))).toBeDefined();
    const again = await redelivered(scenario, HANDLERS);
    expect([...new Set(again)].sort()).toEqual([...bodyOf.values()].sort());
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
      async on(_payload: unknown): Promise<void> {
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
