import { describe, expect } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { EventPattern, Ctx as NestCtx } from '@nestjs/microservices';
import { unique, waitFor } from '@rocketnest/testing';
import { lastValueFrom } from 'rxjs';
import { ClientRocketMQ, type ClientStatus, type RocketMQContext, ServerRocketMQ } from '../../src/index.js';
import { at, quick, RecordingLogger, startApp } from './app.js';
import { onlyOnOurs, startOwnCluster } from './cluster.js';

const got: (string | undefined)[] = [];
const topic = unique('t');

@Controller()
class Handlers {
  @EventPattern<unknown>(topic)
  on(@NestCtx() context: RocketMQContext): void {
    got.push(context.getHeader('trace'));
  }
}

describe('the transport', () => {
  onlyOnOurs('it stops the servers')('tells how its connection stands: lost and found again', async () => {
    const log = new RecordingLogger();
    const cluster = await startOwnCluster();
    const { namesrvAddr } = cluster;
    const statuses = { server: [] as string[], client: [] as string[] };
    const details: ClientStatus[] = [];
    const options = { namesrvAddr, ...quick, logger: log };
    const server = new ServerRocketMQ({ ...options, consumerGroup: unique('g'), consumer: { concurrency: 3 } });
    const client = new ClientRocketMQ(options);
    server.status.subscribe((status) => statuses.server.push(status));
    client.status.subscribe((status) => statuses.client.push(status));
    server.on('status', (status) => details.push(status));
    expect(() => server.on('message' as 'status', () => undefined)).toThrow(/no event 'message'\. It has 'status'/);

    const app = await startApp(at(cluster), { controllers: [Handlers] }, async (nest) => {
      nest.connectMicroservice({ strategy: server });
      await nest.startAllMicroservices();
    });
    await client.connect();
    expect(statuses).toEqual({ server: ['running'], client: ['running'] });
    expect(log.find('log', /@EventPattern\('.*'\) \(concurrency 3/)).toHaveLength(1);

    const hasHook = 'setOnDispatchHook' in client; // Nest 12
    if (hasHook) {
      client.setOnDispatchHook((packet) => {
        packet.metadata = { trace: '00-abc' };
      });
    }
    await lastValueFrom(client.emit(topic, 'x'));
    await waitFor(() => got.length === 1, { what: 'the event' });
    expect(got).toEqual([hasHook ? '00-abc' : undefined]);

    await cluster.close();
    await waitFor(() => statuses.server.includes('reconnecting') && statuses.client.includes('reconnecting'), {
      what: 'the loss',
    });
    expect(details.at(-1)?.lost).not.toEqual([]);
    await Promise.all([app.close(), client.close()]);
    expect([statuses.server.at(-1), statuses.client.at(-1)]).toEqual(['stopped', 'stopped']);
  });
});
