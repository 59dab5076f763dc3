import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { unique, waitFor } from '@rocketnest/testing';
import {
  RocketMQHealthIndicator,
  RocketMQListenerRegistry,
  RocketMQMessageListener,
  RocketMQStatusService,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, startApp, type TestApp } from './app.js';
import { onlyOnOurs, startCluster, startOwnCluster } from './cluster.js';

const indicator = (app: TestApp): RocketMQHealthIndicator => app.get(RocketMQHealthIndicator);

describe('RocketMQHealthIndicator', () => {
  it('answers terminus for the consumers: 200 while they consume, 503 when one is stopped', async () => {
    await using cluster = await startCluster();
    const [topic, group] = [unique('t'), unique('g')];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: group })
      on(): void {}
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
        return this.health.check([() => this.rocketmq.isHealthy('rocketmq', { maxLag: 100 })]);
      }
    }
    // The compiler's metadata of constructors is what injection reads.
    await using app = await startApp(at(cluster), {
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [Listener],
    });
    await app.get(RocketMQTemplate).send(topic, 'a');
    await app.app.listen(0, '127.0.0.1');
    const url = `${await app.app.getUrl()}/ready`;
    const ready = async () => {
      const response = await fetch(url);
      return { status: response.status, body: (await response.json()) as { details: Record<string, unknown> } };
    };
    await waitFor(async () => (await indicator(app).check()).groups[group]!.assignedQueues === 4, { what: 'queues' });
    const up = await ready();
    expect(up.status).toBe(200);
    expect(up.body.details['rocketmq']).toMatchObject({
      status: 'up',
      problems: [],
      connections: { default: 'connected' },
      groups: { [group]: { state: 'running', assignedQueues: 4 } },
    });

    await app.get(RocketMQListenerRegistry).get(group).stop();
    const down = await ready();
    expect(down.status).toBe(503);
    expect(down.body.details['rocketmq']).toMatchObject({ status: 'down', problems: [`group ${group} is stopped`] });
  });

  it('knows lag, stuck handlers and missing queues, each against its limit', async () => {
    await using cluster = await startCluster();
    const [topic, group] = [unique('t'), unique('g')];
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));

    @Injectable()
    class Slow {
      @RocketMQMessageListener({ topic, consumerGroup: group, concurrency: 1 })
      async on(): Promise<void> {
        await opened;
      }
    }

    await using app = await startApp(at(cluster), { providers: [Slow] });
    for (let i = 0; i < 3; i++) await app.get(RocketMQTemplate).send(topic, `m${i}`);
    const check = indicator(app);
    await waitFor(async () => (await check.check({ maxLag: 10 })).groups[group]!.lag === 3, { what: 'a lag of 3' });
    await waitFor(async () => (await check.check({ maxHandlerMs: 1 })).status === 'down', { what: 'an old handler' });
    expect(await check.check({ maxLag: 3, maxHandlerMs: 600_000, minAssignedQueues: 4 })).toMatchObject({
      status: 'up',
    });
    expect((await check.check({ maxLag: 2 })).problems).toEqual([`group ${group} is 3 messages behind, limit 2`]);
    expect((await check.check({ minAssignedQueues: 5 })).problems).toEqual([
      `group ${group} has 4 queues here, 5 are wanted`,
    ]);
    expect((await check.check({ maxHandlerMs: 1 })).problems).toEqual([
      expect.stringMatching(/has a handler running for \d+ ms, limit 1: message [0-9A-F]+ of topic /),
    ]);
    expect((await check.check({ groups: ['other'], maxLag: 0 })).status).toBe('up');
    open();
    await waitFor(async () => (await check.check({ maxLag: 0 })).status === 'up', { what: 'no lag' });
  });

  it('sees queues that are not pulled', async () => {
    await using cluster = await startCluster();
    const [topic, group] = [unique('t'), unique('g')];

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic, consumerGroup: group })
      on(): void {}
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    await app.get(RocketMQTemplate).send(topic, 'a');
    await waitFor(async () => (await indicator(app).check()).groups[group]!.assignedQueues === 4, { what: 'queues' });
    // An idle queue's pull waits at the broker for seconds: with such a limit that is long.
    const problems = async () => (await indicator(app).check({ maxPullAgeMs: 1 })).problems;
    await waitFor(async () => (await problems()).length > 0, { what: 'an old pull' });
    expect(await problems()).toEqual([
      expect.stringMatching(/ has a queue that was not pulled for \d{1,5} ms, limit 1$/),
    ]);
    expect((await indicator(app).check()).status).toBe('up');
  });

  it('takes a pause for what somebody wanted, unless told otherwise', async () => {
    await using cluster = await startCluster();
    const group = unique('g');

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic: unique('t'), consumerGroup: group })
      on(): void {}
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    app.get(RocketMQListenerRegistry).get(group).pause();
    expect((await indicator(app).check()).status).toBe('up');
    expect((await indicator(app).check({ paused: 'down' })).problems).toEqual([`group ${group} is paused`]);
  });

  onlyOnOurs('it restarts the servers')('goes down with the servers and comes back with them', async () => {
    const cluster = await startOwnCluster();
    const { port } = cluster.namesrv;
    const group = unique('g');

    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic: unique('t'), consumerGroup: group })
      on(): void {}
    }

    await using app = await startApp(at(cluster), { providers: [Listener] });
    expect((await indicator(app).check()).status).toBe('up');
    await cluster.close();
    await waitFor(async () => (await indicator(app).check()).status === 'down', { what: 'the outage' });
    const { problems } = await indicator(app).check();
    expect(problems[0]).toMatch(/^connection 'default' is reconnecting: /);
    await using _ = await startOwnCluster({ namesrv: { host: '127.0.0.1', port } });
    await waitFor(async () => (await indicator(app).check()).status === 'up', { what: 'recovery', timeoutMs: 40_000 });
  });
});

describe('RocketMQStatusService', () => {
  it('shows what is off', async () => {
    @Injectable()
    class Listener {
      @RocketMQMessageListener({ topic: unique('t'), consumerGroup: unique('g') })
      on(): void {}
    }

    await using app = await startApp({ namesrvAddr: '127.0.0.1:1', enabled: false }, { providers: [Listener] });
    expect(await app.get(RocketMQStatusService).read()).toEqual({
      connections: [{ name: 'default', state: 'disabled', lost: [] }],
      groups: [],
    });
    expect((await indicator(app).check()).status).toBe('up');
  });
});
