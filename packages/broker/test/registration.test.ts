import { inflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  crc32,
  createResponse,
  type DecodedCommand,
  decodeFields,
  encodeKVTable,
  parseRegisterBrokerBody,
  parseRegisterBrokerParts,
  parseTopicConfig,
  RequestCode,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { RemotingServer } from '@rocketnest/remoting';
import { TestBroker } from './harness.js';

/** Records what brokers tell a name server. */
class NameServerRecorder {
  readonly requests: DecodedCommand[] = [];
  /** Takes requests and does not answer. */
  silent = false;
  /** What it answers when asked whether topics changed. */
  changed = true;
  /** What it answers to registrations, if anything. */
  orderTopics: Record<string, string> | undefined;
  private waiting: (() => void)[] = [];
  private readonly server: RemotingServer;

  constructor() {
    const record = (request: DecodedCommand) => {
      this.requests.push(request);
      for (const wake of this.waiting.splice(0)) wake();
      if (this.silent) return undefined;
      const body = this.orderTopics && encodeKVTable({ table: this.orderTopics });
      return createResponse(request, ResponseCode.SUCCESS, null, { changed: String(this.changed) }, body);
    };
    this.server = new RemotingServer({
      host: '127.0.0.1',
      port: 0,
      processors: new Map([
        [RequestCode.REGISTER_BROKER, record],
        [RequestCode.UNREGISTER_BROKER, record],
        [RequestCode.QUERY_DATA_VERSION, record],
      ]),
    });
  }

  async start(): Promise<this> {
    await this.server.start();
    return this;
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }

  close(): Promise<void> {
    return this.server.close();
  }

  async until(condition: (requests: DecodedCommand[]) => boolean): Promise<void> {
    while (!condition(this.requests)) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

const codesOf = ({ requests }: NameServerRecorder) => requests.map(({ code }) => code);

/** Polls until the condition holds; the test's own deadline ends it. */
async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const topicsOf = (request: DecodedCommand) =>
  parseRegisterBrokerBody(request.body!).topicConfigSerializeWrapper.topicConfigTable;

describe('registration', () => {
  let servers: NameServerRecorder[];
  beforeEach(async () => {
    servers = [await new NameServerRecorder().start(), await new NameServerRecorder().start()];
  });
  afterEach(() => Promise.all(servers.map((server) => server.close())));

  const namesrvAddr = () => servers.map((server) => server.address).join(';');

  it('tells every name server name, address and topics before start resolves', async () => {
    const target = await TestBroker.start({ namesrvAddr: namesrvAddr() });
    try {
      for (const server of servers) {
        const request = server.requests[0]!;
        const { fields, name } = Requests.registerBroker;
        expect(decodeFields(fields, request.extFields, name)).toMatchObject({
          brokerName: 'broker-a',
          brokerAddr: target.address,
          clusterName: 'DefaultCluster',
          haServerAddr: `127.0.0.1:${target.broker.port + 1}`,
          brokerId: 0,
          bodyCrc32: crc32(request.body!),
        });
        expect(Object.keys(topicsOf(request))).toContain('TBW102');
      }
    } finally {
      await target.close();
    }
  });

  it('follows when a topic is created', async () => {
    const target = await TestBroker.start({ namesrvAddr: namesrvAddr() });
    try {
      await target.send('orders', 'a');
      for (const server of servers) {
        await server.until((requests) => requests.some((request) => 'orders' in topicsOf(request)));
      }
    } finally {
      await target.close();
    }
  });

  it('is compressed when told to', async () => {
    const target = await TestBroker.start({ namesrvAddr: namesrvAddr(), compressedRegister: true });
    try {
      const { extFields, body, version } = servers[0]!.requests[0]!;
      expect(extFields).toMatchObject({ compressed: 'true', bodyCrc32: String(crc32(body!)) });
      const { topicConfigSerializeWrapper } = parseRegisterBrokerParts(inflateSync(body!), version);
      expect(Object.keys(topicConfigSerializeWrapper.topicConfigTable)).toContain('TBW102');
    } finally {
      await target.close();
    }
  });

  it('takes permissions away from topics when the broker does not have them', async () => {
    const target = await TestBroker.start({ namesrvAddr: namesrvAddr(), brokerPermission: 4 });
    try {
      expect(topicsOf(servers[0]!.requests[0]!)['TBW102']?.perm).toBe(4);
    } finally {
      await target.close();
    }
  });

  it('reaches the other name servers while one does not answer', async () => {
    const target = await TestBroker.start({ namesrvAddr: namesrvAddr() });
    try {
      servers[1]!.silent = true;
      await target.send('one', 'a');
      await servers[1]!.until((requests) => requests.some((request) => 'one' in topicsOf(request)));
      await target.send('two', 'a');
      await servers[0]!.until((requests) => requests.some((request) => 'two' in topicsOf(request)));
    } finally {
      servers[1]!.silent = false;
      await servers[1]!.close();
      await target.close();
    }
  });

  it('asks first and stays silent while nothing changed, when forceRegister is off', async () => {
    const target = await TestBroker.start({ namesrvAddr: namesrvAddr(), forceRegister: false });
    try {
      const [one, other] = servers as [NameServerRecorder, NameServerRecorder];
      await one.until((requests) => requests.length === 2);
      expect(codesOf(one)).toEqual([RequestCode.QUERY_DATA_VERSION, RequestCode.REGISTER_BROKER]);
      one.changed = false;
      await target.send('orders', 'a');
      await other.until((requests) => requests.length === 4);
      await one.until((requests) => requests.length === 3);
      expect(codesOf(one).slice(2)).toEqual([RequestCode.QUERY_DATA_VERSION]);
      expect(codesOf(other).slice(2)).toEqual([RequestCode.QUERY_DATA_VERSION, RequestCode.REGISTER_BROKER]);
    } finally {
      await target.close();
    }
  });

  it('learns from name servers which topics are strictly ordered', async () => {
    const target = await TestBroker.start({ namesrvAddr: namesrvAddr() });
    try {
      await target.send('orders', 'a');
      for (const server of servers) server.orderTopics = { orders: 'broker-a:4', elsewhere: 'broker-b:4' };
      await target.send('other', 'a');
      await waitFor(async () => {
        const { body } = await target.call(Requests.getTopicConfig, { topic: 'orders' });
        return parseTopicConfig(body).order;
      });
      const { body } = await target.call(Requests.getTopicConfig, { topic: 'other' });
      expect(parseTopicConfig(body).order).toBe(false);
    } finally {
      await target.close();
    }
  });

  it('is taken back when the broker closes', async () => {
    const target = await TestBroker.start({ namesrvAddr: namesrvAddr() });
    await target.close();
    for (const server of servers) expect(server.requests.at(-1)?.code).toBe(RequestCode.UNREGISTER_BROKER);
  });

  it('does not stop a broker from starting when a name server is down', async () => {
    const addresses = namesrvAddr();
    await servers[1]!.close();
    const target = await TestBroker.start({ namesrvAddr: addresses });
    try {
      expect(servers[0]!.requests).toHaveLength(1);
      expect((await target.send('orders', 'a')).code).toBe(ResponseCode.SUCCESS);
    } finally {
      await target.close();
    }
  });
});
