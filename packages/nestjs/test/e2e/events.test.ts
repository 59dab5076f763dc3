import { describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  OnRocketMQEvent,
  RocketMQDlqListener,
  type RocketMQEvents,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, startApp } from './app.js';
import { onlyOnOurs, startCluster, startOwnCluster } from './cluster.js';

describe('OnRocketMQEvent', () => {
  it('hears of retries, dead letters and queues, whatever other subscribers throw', async () => {
    await using cluster = await startCluster();
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const heard: string[] = [];
    const queues = new Set<string>();

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup, maxReconsumeTimes: 1 })
      on(): void {
        throw new Error('db down');
      }

      @RocketMQDlqListener(consumerGroup)
      dead(): void {}
    }

    @Injectable()
    class Monitor {
      private readonly name = 'monitor';

      @OnRocketMQEvent('retry')
      @OnRocketMQEvent('dead-letter')
      failed({ group, listener, reason, attempt, message }: RocketMQEvents['retry']): void {
        heard.push(`${this.name} ${listener} ${attempt} ${reason} ${group === consumerGroup} ${message.body}`);
      }

      @OnRocketMQEvent('retry')
      async broken(): Promise<void> {
        throw new Error('pager is down');
      }

      @OnRocketMQEvent('assigned')
      assigned({ group, queue }: RocketMQEvents['assigned']): void {
        if (group === consumerGroup && queue.topic === topic) queues.add(`${queue.brokerName} ${queue.queueId}`);
      }

      @OnRocketMQEvent('revoked')
      revoked({ group, queue }: RocketMQEvents['revoked']): void {
        if (group === consumerGroup) queues.delete(`${queue.brokerName} ${queue.queueId}`);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Listener, Monitor] });
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(() => heard.length === 2, { what: 'both events' });
    expect(heard).toEqual([
      'monitor Listener.on 1 Error: db down true a',
      'monitor Listener.on 2 Error: db down true a',
    ]);
    expect(app.log.find('error', /Monitor\.broken failed on the event 'retry': Error: pager is down/)).toHaveLength(1);
    expect(queues.size).toBeGreaterThan(0);
    await app.get(RocketMQListenerRegistry).get(consumerGroup).stop();
    expect([...queues]).toEqual([]);
  });

  onlyOnOurs('it stops the servers')('hears when a connection loses its servers', async () => {
    const cluster = await startOwnCluster();
    const states: string[] = [];

    @Injectable()
    class Monitor {
      @OnRocketMQEvent('status')
      changed({ connection, status }: RocketMQEvents['status']): void {
        states.push(`${connection} ${status.state}`);
      }
    }

    await using app = await startApp(at(cluster), { providers: [Monitor] });
    await app.get(RocketMQTemplate).send(unique('t'), 'a');
    await cluster.close();
    await waitFor(() => states.includes('default reconnecting'), { what: 'the event' });
  });

  it('refuses classes that are made for each request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Monitor {
      @OnRocketMQEvent('retry')
      on(): void {}
    }
    await expect(
      startApp({ namesrvAddr: '127.0.0.1:1', startMode: 'background' }, { providers: [Monitor] }),
    ).rejects.toThrow(/Monitor\.on @OnRocketMQEvent belongs to a class that is made for each request/);
  });
});
