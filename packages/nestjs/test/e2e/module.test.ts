import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  RocketMQConnection,
  RocketMQMessageListener,
  RocketMQModule,
  type RocketMQModuleOptions,
  type RocketMQOptionsFactory,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, quick, RecordingLogger, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

@Injectable()
class Options implements RocketMQOptionsFactory {
  async createRocketMQOptions(): Promise<RocketMQModuleOptions> {
    return { ...at(cluster), ...quick, logger: new RecordingLogger() };
  }
}

@Module({ providers: [Options], exports: [Options] })
class OptionsModule {}

describe('RocketMQModule', () => {
  it.each([
    ['useClass', () => RocketMQModule.forRootAsync({ useClass: Options })],
    ['useExisting', () => RocketMQModule.forRootAsync({ imports: [OptionsModule], useExisting: Options })],
    [
      'useFactory with inject',
      () =>
        RocketMQModule.forRootAsync({
          imports: [OptionsModule],
          inject: [Options],
          useFactory: (options: Options) => options.createRocketMQOptions(),
        }),
    ],
  ])('takes its options from %s', async (_, module) => {
    await using app = await startApp([module()], {});
    await expect(app.get(RocketMQTemplate).send(unique('t'), 'x')).resolves.toMatchObject({ status: 'SEND_OK' });
  });

  it('names the path of a bad option that a factory made', async () => {
    const module = RocketMQModule.forRootAsync({
      name: 'eu',
      useFactory: () => ({ namesrvAddr: 'a:1', topics: [{ name: 't', queues: 0 }] }),
    });
    await expect(startApp([module], {})).rejects.toThrow(
      /RocketMQModule 'eu'\.topics\[0\]\.queues must be an integer from 1 to 1024, got 0/,
    );
  });

  it('passes credentials, namespace and trace on to its clients', async () => {
    const [topic, group] = [unique('t'), unique('g')];
    const got: string[] = [];

    @Injectable()
    class Inbox {
      @RocketMQMessageListener({ topic, consumerGroup: group })
      on(text: string): void {
        got.push(text);
      }
    }
    await using app = await startApp(
      at(cluster, {
        client: { ...quick.client, namespace: 'tenant', credentials: { accessKey: 'ak', secretKey: 'sk' } },
        producer: { ...quick.producer, traceEnable: true },
        consumer: { traceEnable: true },
      }),
      { providers: [Inbox] },
    );
    const result = await app.get(RocketMQTemplate).send(topic, 'x');
    expect(result.queue.topic).toBe(topic);
    await waitFor(() => got.length === 1, { what: 'the message' });
    const { producer, instance } = app.get(RocketMQConnection);
    expect(instance.options.credentials).toEqual({ accessKey: 'ak', secretKey: 'sk' });
    await expect(instance.api.topicRoute(`tenant%${topic}`)).resolves.not.toBeNull();
    await expect(instance.api.topicRoute(topic)).resolves.toBeNull();
    await waitFor(() => (producer.traceStats?.sent ?? 0) > 0, { what: 'the trace of the send' });
  });

  it('has two applications with brokers of their own in one process', async () => {
    const topic = unique('t');
    const start = (got: string[]) => {
      @Injectable()
      class Inbox {
        @RocketMQMessageListener({ topic, consumerGroup: 'same' })
        on(text: string): void {
          got.push(text);
        }
      }
      return startApp({ embedded: true, producer: { ...quick.producer, group: 'same' } }, { providers: [Inbox] });
    };
    const [one, two]: [string[], string[]] = [[], []];
    await using first = await start(one);
    await using second = await start(two);
    await first.get(RocketMQTemplate).send(topic, 'to the first');
    await second.get(RocketMQTemplate).send(topic, 'to the second');
    await waitFor(() => one.length === 1 && two.length === 1, { what: 'both messages' });
    expect([one, two]).toEqual([['to the first'], ['to the second']]);
  });
});
