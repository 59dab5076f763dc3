import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  getRocketMQConnectionToken,
  getRocketMQTemplateToken,
  InjectRocketMQTemplate,
  RocketMQConnection,
  type RocketMQContext,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQModule,
  RocketMQTemplate,
} from '../../src/index.js';
import { quick, RecordingLogger, startApp } from './app.js';
import { startCluster, startOwnCluster } from './cluster.js';

describe('several connections', () => {
  it('each have their cluster, template and listeners, also with the same group and topic', async () => {
    await using here = await startCluster();
    await using there = await startOwnCluster();
    const [topic, consumerGroup] = [unique('t'), unique('g')];
    const got: string[] = [];
    const log = new RecordingLogger();

    @Injectable()
    class Bridge {
      constructor(
        readonly template: RocketMQTemplate,
        @InjectRocketMQTemplate('eu') readonly eu: RocketMQTemplate,
      ) {}

      @RocketMQMessageListener({ topic, consumerGroup })
      async here(text: string, context: RocketMQContext): Promise<void> {
        got.push(`${context.getConnection()} ${text}`);
        await this.eu.send(topic, `${text} forwarded`);
      }

      @RocketMQMessageListener({ topic, consumerGroup, connection: 'eu' })
      there(text: string, context: RocketMQContext): void {
        got.push(`${context.getConnection()} ${text}`);
      }
    }

    const modules = [
      RocketMQModule.forRoot({ namesrvAddr: here.namesrvAddr, ...quick, logger: log }),
      RocketMQModule.forRootAsync({
        name: 'eu',
        useFactory: () => ({ namesrvAddr: there.namesrvAddr, ...quick, logger: log }),
      }),
    ];
    await using app = await startApp(modules, { providers: [Bridge] });
    await app.get(RocketMQTemplate).send(topic, 'hello');
    await waitFor(() => got.length === 2, { what: 'both messages' });
    expect(got).toEqual(['default hello', 'eu hello forwarded']);

    expect(getRocketMQTemplateToken()).toBe(RocketMQTemplate);
    expect(app.get(getRocketMQTemplateToken('eu'))).toBe(app.get(Bridge).eu);
    expect(app.get<RocketMQConnection>(getRocketMQConnectionToken('eu')).name).toBe('eu');
    expect(log.find('log', /Bridge\.there \(concurrency 20, retries 16, connection eu\)/)).toHaveLength(1);

    const registry = app.get(RocketMQListenerRegistry);
    expect(() => registry.get(consumerGroup)).toThrow(/names listeners of connections 'default' and 'eu'/);
    expect(registry.get(consumerGroup, 'eu').connectionName).toBe('eu');
    expect(() => registry.get('nobody')).toThrow(/No listener has the id or group 'nobody'/);
  });
});
