import { describe, expect, it } from '@jest/globals';
import { ClosedError, ConfigurationError, decodeMessages, ResponseCode } from '@rocketnest/protocol';
import { Broker } from '../src/index.js';
import { TestBroker } from './harness.js';

describe('a broker', () => {
  it('has its messages, topics and groups after a restart', async () => {
    const target = await TestBroker.start();
    try {
      for (const text of ['a', 'b']) await target.send('orders', text);
      await target.restart();
      const response = await target.pull('orders');
      expect(decodeMessages(response.body!).map((message) => message.body.toString())).toEqual(['a', 'b']);
      expect((await target.send('orders', 'c')).extFields['queueOffset']).toBe('2');
    } finally {
      await target.close();
    }
  });

  it('closes twice without harm, and does not start again', async () => {
    const target = await TestBroker.start();
    const { broker } = target;
    await Promise.all([broker.close(), broker.close()]);
    await expect(broker.start()).rejects.toThrow(ClosedError);
    await target.close();
  });

  it('that cannot listen gives its directory back', async () => {
    const target = await TestBroker.start();
    try {
      const port = target.broker.port;
      const options = { bindAddress: '127.0.0.1', storePathRootDir: `${target.rootDir}/other` };
      await expect(new Broker({ ...options, listenPort: port }).start()).rejects.toThrow(new RegExp(`${port}`));
      const second = new Broker({ ...options, listenPort: 0 });
      await second.start();
      await second.close();
    } finally {
      await target.close();
    }
  });

  it('names an address that does not resolve', async () => {
    const target = await TestBroker.start();
    try {
      const broker = new Broker({
        bindAddress: '127.0.0.1',
        brokerIP1: 'no.such.host.invalid',
        listenPort: 0,
        storePathRootDir: `${target.rootDir}/other`,
      });
      const failure = broker.start();
      await expect(failure).rejects.toThrow(ConfigurationError);
      await expect(failure).rejects.toThrow(/no\.such\.host\.invalid/);
    } finally {
      await target.close();
    }
  });

  it('lives beside others in one process', async () => {
    const targets = await Promise.all([TestBroker.start({ brokerName: 'a' }), TestBroker.start({ brokerName: 'b' })]);
    try {
      await targets[0].send('orders', 'only here');
      expect((await targets[0].pull('orders')).code).toBe(ResponseCode.SUCCESS);
      expect((await targets[1].pull('orders')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    } finally {
      await Promise.all(targets.map((target) => target.close()));
    }
  });
});
