// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  type RocketMQListener,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
  RocketMQTransactionChecker,
} from '../../src/index.js';
import { startApp } from './app.js';

/** Nothing listens there; what is wrong with decorators is found without a name server. */
const nowhere = { namesrvAddr: '127.0.0.1:1', startMode: 'background' } as const;

const listen = (options: Parameters<typeof RocketMQMessageListener>[0], name = 'Orders') => {
  @Injectable()
  @RocketMQMessageListener(options)
  class Listener implements RocketMQListener {
    onMessage(): void {}
  }
  Object.defineProperty(Listener, 'name', { value: name });
  return Listener;
};

describe('the application does not start', () => {
  it('with an option that cannot be, and names listener and option', async () => {
    const providers = [listen({ topic: 't', consumerGroup: 'g', concurrency: 0 })];
    await expect(startApp(nowhere, { providers })).rejects.toThrow(
      /Orders\.onMessage @RocketMQMessageListener\.concurrency must be an integer from 1 to 1000, got 0/,
    );
  });

  it('with an unknown configuration key', async () => {
    const providers = [listen({ topic: '${orders.topic}', consumerGroup: 'g' })];
    await expect(startApp(nowhere, { providers })).rejects.toThrow(
      /Orders\.onMessage @RocketMQMessageListener\.topic: '\$\{orders\.topic\}' needs configuration key 'orders\.topic'/,
    );
  });

  it('with two listeners of one group that want the same messages', async () => {
    const providers = [
      listen({ topic: 't', consumerGroup: 'g' }),
      listen({ topic: 't', consumerGroup: 'g', selectorExpression: 'a' }, 'Other'),
    ];
    await expect(startApp(nowhere, { providers })).rejects.toThrow(
      /Orders\.onMessage \(t\) and Other\.onMessage \(t:a\) are in the same consumer group 'g'/,
    );
  });

  it('with a listener of a connection that does not exist', async () => {
    const providers = [listen({ topic: 't', consumerGroup: 'g', connection: 'eu' })];
    await expect(startApp(nowhere, { providers })).rejects.toThrow(
      /Orders\.onMessage belongs to the RocketMQ connection 'eu', which does not exist. Known: 'default'/,
    );
  });

  it('with one id for two groups', async () => {
    const providers = [
      listen({ topic: 't', consumerGroup: 'g', id: 'x' }),
      listen({ topic: 't', consumerGroup: 'h', id: 'x' }, 'Other'),
    ];
    await expect(startApp(nowhere, { providers })).rejects.toThrow(
      /listener id 'x' is used by Orders\.onMessage and by Other\.onMessage/,
    );
  });

  it('with two connections of one name', async () => {
    const modules = [RocketMQModule.forRoot(nowhere), RocketMQModule.forRoot({ ...nowhere, shutdownTimeoutMs: 1 })];
    await expect(startApp(modules, {})).rejects.toThrow(/imported twice for the connection 'default'/);
  });

  it('with two checkers for the same transactions', async () => {
    @Injectable()
    class Checks {
      @RocketMQTransactionChecker({ topic: 't' })
      one(): 'COMMIT' {
        return 'COMMIT';
      }

      @RocketMQTransactionChecker({ topic: 't' })
      two(): 'COMMIT' {
        return 'COMMIT';
      }
    }
    await expect(startApp(nowhere, { providers: [Checks] })).rejects.toThrow(
      /Checks\.one and Checks\.two both answer for transactions with topic 't'/,
    );
  });

  it('with a bad module option, and names its path', async () => {
    await expect(startApp({ namesrvAddr: 'nonsense' }, {})).rejects.toThrow(
      /RocketMQModule 'default'\.namesrvAddr must be 'host:port'/,
    );
  });

  it('when no name server answers, and says where it looked', async () => {
    await expect(startApp({ namesrvAddr: '127.0.0.1:1' }, {})).rejects.toThrow(
      /connection 'default' cannot start: No name server answers \(127\.0\.0\.1:1.*startMode/,
    );
  });

  it('when no name server answers in the time it was told to wait', async () => {
    const started = Date.now();
    await expect(startApp({ namesrvAddr: '127.0.0.1:1', startMode: 'wait', startTimeoutMs: 700 }, {})).rejects.toThrow(
      /cannot start: No name server answers/,
    );
    expect(Date.now() - started).toBeGreaterThanOrEqual(700);
  });
});

describe('enabled: false', () => {
  it('starts nothing, and the template says why it cannot send', async () => {
    const providers = [listen({ topic: 't', consumerGroup: 'g' })];
    await using app = await startApp({ namesrvAddr: '127.0.0.1:1', enabled: false }, { providers });
    await expect(app.get(RocketMQTemplate).send('t', 'x')).rejects.toThrow(
      /connection 'default' is disabled by `enabled: false`/,
    );
  });
});
