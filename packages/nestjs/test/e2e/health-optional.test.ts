import { expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { unique, waitFor } from '@rocketnest/testing';
import {
  RocketMQHealthIndicator,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQModule,
} from '../../src/index.js';
import { at, quick, RecordingLogger, startApp } from './app.js';
import { startCluster } from './cluster.js';

const optional = ['analytics'];
/** Terminus 11 has no such state: its answer is without the row. */
const degraded = (process.env['ROCKETNEST_TEST_NEST'] ?? '12') === '12' ? 'degraded' : 'ok';

it('an optional connection that is not there, and its groups, degrade health and fail nothing', async () => {
  await using cluster = await startCluster();
  const [group, metering] = [unique('g'), unique('g')];

  @Injectable()
  class Listeners {
    @RocketMQMessageListener({ topic: unique('t'), consumerGroup: group })
    needed(): void {}

    @RocketMQMessageListener({
      connection: 'analytics',
      topic: unique('t'),
      consumerGroup: metering,
      autoStartup: false,
    })
    optional(): void {}
  }

  @Controller()
  class HealthController {
    constructor(
      private readonly health: HealthCheckService,
      private readonly rocketmq: RocketMQHealthIndicator,
    ) {}

    @Get('ready')
    @HealthCheck()
    ready() {
      return this.health.check([() => this.rocketmq.isHealthy('rocketmq', { optional })]);
    }

    @Get('degraded')
    @HealthCheck()
    degraded() {
      return this.health.check([() => this.rocketmq.isHealthy('rocketmq', { optional, degraded: true })]);
    }
  }

  const logger = new RecordingLogger();
  const modules = [
    RocketMQModule.forRoot({ ...at(cluster), ...quick, logger }),
    RocketMQModule.forRoot({
      name: 'analytics',
      namesrvAddr: '127.0.0.1:1',
      startMode: 'background',
      ...quick,
      logger,
    }),
  ];
  await using app = await startApp(modules, {
    imports: [TerminusModule.forRoot({ logger: false })],
    controllers: [HealthController],
    providers: [Listeners],
  });
  await app.app.listen(0, '127.0.0.1');
  const health = app.get(RocketMQHealthIndicator);
  const away = expect.stringMatching(/^connection 'analytics' is /);
  await waitFor(async () => (await health.check()).status === 'down', { what: 'the connection that is not there' });
  expect(await health.check()).toMatchObject({ status: 'down', problems: [away], warnings: [] });

  expect(await health.check({ optional })).toMatchObject({ status: 'up', problems: [], warnings: [away] });
  expect((await health.check({ optional, degraded: true })).status).toBe('degraded');
  const url = await app.app.getUrl();
  const ready = await fetch(`${url}/ready`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({ details: { rocketmq: { status: 'up', warnings: [away] } } });
  const impaired = await fetch(`${url}/degraded`);
  expect(impaired.status).toBe(200);
  expect(await impaired.json()).toMatchObject({ status: degraded });

  await app.get(RocketMQListenerRegistry).get(group).stop();
  expect(await health.check({ optional, degraded: true })).toMatchObject({
    status: 'down',
    problems: [`group ${group} is stopped`],
    warnings: [away],
  });
});
