import { expect, it } from '@jest/globals';
import { type INestApplication, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type RocketMQContext, RocketMQMessageListener, RocketMQModule, RocketMQTemplate } from '@rocketnest/nestjs';
import { unique, waitFor } from '@rocketnest/testing';
import { springClassPath } from '../../scripts/apache.mjs';
import { Jvm } from '../support/jvm.js';
import { Servers, targets } from '../support/servers.js';

interface Event {
  readonly event: string;
  readonly value: unknown;
}

const TIMEOUT_MS = 60_000;
/** Before each line that is an event and not Spring's log. */
const MARK = '\u0001';

/** As the application prints it: a plain Jackson writes times as milliseconds. */
const order = {
  id: 4711,
  name: 'Größe 世界 "quoted"',
  price: 12.5,
  items: ['a', 'b'],
  createdAt: Date.UTC(2026, 10, 1),
  parent: null,
};
/** rocketmq-spring's Jackson writes them as text. */
const fromSpring = { ...order, createdAt: '2026-11-01T00:00:00.000+00:00' };
const fromNest = { ...order, createdAt: new Date(order.createdAt), parent: { ...order, id: 1 } };

it.each(targets)('Nest and a Spring Boot application understand each other on the servers of %s', async (target) => {
  const [orders, texts, replies, toNest] = ['orders', 'texts', 'replies', 'to-nest'].map((name) =>
    unique(`T-${name}`),
  ) as [string, string, string, string];
  const got: { payload: unknown; tag: string | undefined; keys: string[]; locale: string | undefined }[] = [];

  @Injectable()
  class Inbox {
    @RocketMQMessageListener({ topic: toNest, consumerGroup: 'nest' })
    on(payload: unknown, context: RocketMQContext): void {
      got.push({
        payload,
        tag: context.getTag(),
        keys: context.getKeys(),
        locale: context.getHeader('locale'),
      });
    }
  }

  await using servers = await Servers.start(target);
  const { namesrvAddr } = servers;
  const module = await Test.createTestingModule({
    imports: [
      RocketMQModule.forRoot({
        namesrvAddr,
        replyTimeoutMs: TIMEOUT_MS,
        producer: { sendTimeoutMs: TIMEOUT_MS },
        topics: [orders, texts, replies, toNest].map((name) => ({ name, queues: 2 })),
      }),
    ],
    providers: [Inbox],
  }).compile();
  const app: INestApplication = module.createNestApplication({ logger: false });
  await app.init();

  const events: Event[] = [];
  const spring = await Jvm.start(
    'Spring Boot application',
    [
      'dev.rocketnest.interop.SpringApp',
      `--rocketmq.name-server=${namesrvAddr}`,
      '--rocketmq.producer.group=spring',
      `--topics.orders=${orders}`,
      `--topics.texts=${texts}`,
      `--topics.replies=${replies}`,
    ],
    {},
    'quickStart',
    springClassPath,
  );
  try {
    spring.child.onLine((line) => {
      if (line.startsWith(MARK)) events.push(JSON.parse(line.slice(1)) as Event);
    });
    const next = async (): Promise<Event> => {
      await waitFor(() => events.length > 0, { timeoutMs: TIMEOUT_MS, what: 'an event of the Spring application' });
      return events.shift()!;
    };
    const command = (line: object): void => spring.child.write(`${JSON.stringify(line)}\n`);
    expect(await next()).toEqual({ event: 'ready', value: '' });
    const template = app.get(RocketMQTemplate);

    // Nest to Spring
    await template.syncSend(`${orders}:created`, fromNest);
    expect(await next()).toEqual({ event: 'order', value: { ...order, parent: { ...order, id: 1 } } });
    await template.send(`${texts}:greeting`, 'hello 世界', { keys: 'k1', headers: { locale: 'de' } });
    expect(await next()).toEqual({
      event: 'text',
      value: { body: 'hello 世界', tag: 'greeting', keys: 'k1', locale: 'de' },
    });
    await expect(template.request(replies, fromNest)).resolves.toMatchObject({
      id: 4711,
      name: `Spring: ${order.name}`,
      createdAt: fromSpring.createdAt,
    });

    // Spring to Nest
    command({ command: 'send', to: `${toNest}:created`, payload: order });
    command({ command: 'send', to: `${toNest}:text`, payload: 'hello 世界' });
    await waitFor(() => got.length === 2, { timeoutMs: TIMEOUT_MS, what: 'both messages of Spring' });
    expect(got.sort((a, b) => String(a.tag).localeCompare(String(b.tag)))).toEqual([
      { payload: fromSpring, tag: 'created', keys: ['k1'], locale: 'de' },
      { payload: 'hello 世界', tag: 'text', keys: ['k1'], locale: 'de' },
    ]);
  } finally {
    spring.child.endInput();
    await spring[Symbol.asyncDispose]();
    await app.close();
  }
});
