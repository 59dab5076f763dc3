import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication } from '@nestjs/common';
import { type ClientProxy, ClientsModule, MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  ClientRocketMQ,
  RocketMQConnection,
  RocketMQModule,
  type RocketMQModuleOptions,
  RocketMQRecordBuilder,
  RocketMQTemplate,
  ServerRocketMQ,
} from '@rocketnest/nestjs';
import { unique, waitFor } from '@rocketnest/testing';
import { lastValueFrom } from 'rxjs';
import { Jvm } from '../support/jvm.js';
import { Servers, targets } from '../support/servers.js';

interface Event {
  readonly event: 'ready' | 'replied' | 'failed';
  readonly body?: string;
}

const TIMEOUT_MS = 60_000;
const topic = unique('T-nest');
const pulled = unique('T-pulled');

@Controller()
class Prices {
  @MessagePattern(topic)
  price(item: string): string {
    if (item === 'wrong') throw new Error('no such item');
    return `Nest: ${item}`;
  }
}

describe.each(targets)('the Nest transport and template on the servers of %s', (target) => {
  let servers: Servers;
  let jvm: Jvm;
  let app: INestApplication;
  let template: RocketMQTemplate;
  const events: Event[] = [];

  beforeAll(async () => {
    servers = await Servers.start(target, { broker: { recallMessageEnable: true } });
    const { namesrvAddr } = servers;
    jvm = await Jvm.start('Java requester and replier', ['dev.rocketnest.interop.RequestReplyDriver', namesrvAddr]);
    jvm.child.onLine((line) => {
      if (line.startsWith('{')) events.push(JSON.parse(line) as Event);
    });
    const options: RocketMQModuleOptions = {
      namesrvAddr,
      producer: { sendTimeoutMs: TIMEOUT_MS },
      replyTimeoutMs: TIMEOUT_MS,
      topics: [
        { name: topic, type: 'NORMAL', queues: 2 },
        { name: pulled, type: 'DELAY', queues: 1 },
      ],
      pullConsumer: { topic: pulled, group: unique('G'), consumeFrom: 'FIRST_OFFSET' },
    };
    const module = await Test.createTestingModule({
      imports: [
        RocketMQModule.forRoot(options),
        ClientsModule.register([
          { name: 'PRICES', customClass: ClientRocketMQ, options: { namesrvAddr, replyTimeoutMs: TIMEOUT_MS } },
        ]),
      ],
      controllers: [Prices],
    }).compile();
    app = module.createNestApplication({ logger: false });
    const server = new ServerRocketMQ({ connection: app.get(RocketMQConnection), consumerGroup: unique('G') });
    app.connectMicroservice({ strategy: server });
    await app.startAllMicroservices();
    await app.init();
    template = app.get(RocketMQTemplate);
  });
  afterAll(async () => {
    await app?.close();
    jvm?.child.endInput();
    await jvm?.[Symbol.asyncDispose]();
    await servers?.[Symbol.asyncDispose]();
  });

  const java = (command: object): void => jvm.child.write(`${JSON.stringify(command)}\n`);
  const eventsOf = async (count: number): Promise<Event[]> => {
    await waitFor(() => events.length >= count, { timeoutMs: TIMEOUT_MS, what: `${count} events of the Java client` });
    return events.splice(0);
  };

  it('a @MessagePattern answers Nest and Java', async () => {
    const client = app.get<ClientProxy>('PRICES');
    await expect(lastValueFrom(client.send(topic, '请求'))).resolves.toBe('Nest: 请求');
    await expect(lastValueFrom(client.send(topic, 'wrong'))).rejects.toEqual({
      status: 'error',
      message: 'Internal server error',
    });
    await expect(template.request(topic, 'A-7')).resolves.toBe('Nest: A-7');
    java({ command: 'request', topic, body: 'from Java', keys: 'k', timeoutMs: TIMEOUT_MS });
    expect(await eventsOf(1)).toMatchObject([{ event: 'replied', body: 'Nest: from Java' }]);
  });

  it('a Java replier answers ClientProxy.send and the template', async () => {
    const javaTopic = unique('T-java');
    java({ command: 'reply', topic: javaTopic });
    expect(await eventsOf(1)).toEqual([{ event: 'ready' }]);
    const record = new RocketMQRecordBuilder('请求').setKeys('k').build();
    const client = app.get<ClientProxy>('PRICES');
    await expect(lastValueFrom(client.send(javaTopic, record))).resolves.toBe('Java: 请求');
    await expect(template.sendAndReceive(javaTopic, record, String)).resolves.toBe('Java: 请求');
  });

  it('declared topics are there, and the template receives and recalls', async () => {
    const recalled = await template.send(pulled, 'recalled', { delay: '5s' });
    await template.send(pulled, { kept: true }, { delay: '5s' });
    await expect(template.recall(recalled)).resolves.toBe(recalled.msgId);
    const got: unknown[] = [];
    await waitFor(
      async () => {
        got.push(...(await template.receive({ timeoutMs: 1_000 })));
        return got.length > 0;
      },
      { timeoutMs: TIMEOUT_MS, what: 'the message that is kept' },
    );
    expect(got).toEqual([{ kept: true }]);
  });
});
