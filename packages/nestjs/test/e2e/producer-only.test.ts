import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  RocketMQHealthIndicator,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

describe('autoStartup: false of the module', () => {
  it('lets a process send without consuming, but for listeners that say otherwise and those that are started', async () => {
    await using cluster = await startCluster();
    const topic = unique('t');
    const [waits, runs] = [unique('g'), unique('g')];
    const got: string[] = [];

    @Injectable()
    class Listeners {
      @RocketMQMessageListener({ topic, consumerGroup: waits, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' })
      waits(text: string): void {
        got.push(`waits ${text}`);
      }

      @RocketMQMessageListener({ topic, consumerGroup: runs, autoStartup: true })
      runs(text: string): void {
        got.push(`runs ${text}`);
      }
    }
    await using app = await startApp(at(cluster, { autoStartup: false }), { providers: [Listeners] });
    const registry = app.get(RocketMQListenerRegistry);
    expect(registry.list().map(({ group, state }) => [group, state])).toEqual([
      [waits, 'created'],
      [runs, 'running'],
    ]);
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => got.length === 1, { what: 'the listener that runs' });
    expect(got).toEqual(['runs a']);
    expect(await app.get(RocketMQHealthIndicator).check()).toMatchObject({ status: 'up', problems: [] });

    await registry.get(waits).start();
    await waitFor(() => got.length === 2, { what: 'the listener that was started' });
    expect(got[1]).toBe('waits a');
  });
});
