import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import { RocketMQConnection, RocketMQMessageListener, RocketMQTemplate } from '../../src/index.js';
import { startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());
afterEach(() => {
  delete process.env['NAMESRV_ADDR'];
});

/** An application that names its cluster only by `options`, and that sends itself a message. */
async function works(options: Parameters<typeof startApp>[0]): Promise<string> {
  const topic = unique('t');
  const got: string[] = [];

  @Injectable()
  class Listener {
    @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
    on(text: string): void {
      got.push(text);
    }

    // Another group with connections of its own, which come from the same place.
    @RocketMQMessageListener({ topic, consumerGroup: unique('g'), instanceName: 'own' })
    onOwn(text: string): void {
      got.push(text);
    }
  }

  await using app = await startApp(options, { providers: [Listener] });
  await app.get(RocketMQTemplate).send(topic, 'a');
  await waitFor(() => got.length === 2, { what: 'the message in both groups' });
  return app.get(RocketMQConnection).namesrvAddr;
}

describe('the module finds its name servers', () => {
  it('in the environment, as Apache’s clients do', async () => {
    process.env['NAMESRV_ADDR'] = cluster.namesrvAddr;
    expect(await works({})).toBe(cluster.namesrvAddr);
  });

  it('on a page, which the options name', async () => {
    const page = createServer((_, response) => response.end(`${cluster.namesrvAddr}\n`));
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = page.address() as AddressInfo;
      process.env['NAMESRV_ADDR'] = '127.0.0.1:1'; // options come before the environment
      const nameServerEndpoint = `http://127.0.0.1:${port}/rocketmq/nsaddr`;
      expect(await works({ nameServerEndpoint })).toBe(cluster.namesrvAddr);
    } finally {
      page.closeAllConnections();
      page.close();
    }
  });

  it('nowhere: the error names every way', async () => {
    await expect(startApp({}, {})).rejects.toThrow(
      /RocketMQModule 'default' has no name server\..*namesrvAddr.*nameServerEndpoint.*embedded.*NAMESRV_ADDR/,
    );
  });

  it('and needs none while it is disabled', async () => {
    await using app = await startApp({ enabled: false }, {});
    await expect(app.get(RocketMQTemplate).send('t', 'a')).rejects.toThrow(/is disabled by `enabled: false`/);
  });
});
