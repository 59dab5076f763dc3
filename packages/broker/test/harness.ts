import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createRequest,
  type DecodedCommand,
  decodeMessages,
  type FieldInput,
  type FieldMap,
  type RemotingCommand,
  type RequestDefinition,
  type RequestInput,
  Requests,
} from '@rocketnest/protocol';
import { type ProcessorTable, RemotingClient } from '@rocketnest/remoting';
import { Broker, type BrokerOptionsInput } from '../src/index.js';

/** The texts of the messages that a pull is answered with. */
export const bodies = (body: Buffer | null): string[] =>
  decodeMessages(body ?? Buffer.alloc(0)).map((message) => message.body.toString());

/** A real broker on port 0 in a directory of its own, and a client that speaks real frames to it. */
export class TestBroker {
  private constructor(
    public broker: Broker,
    readonly rootDir: string,
    private readonly options: BrokerOptionsInput,
    readonly client: RemotingClient,
  ) {}

  static async start(options: BrokerOptionsInput = {}, processors: ProcessorTable = new Map()): Promise<TestBroker> {
    const rootDir = await mkdtemp(join(tmpdir(), 'rocketnest-broker-'));
    const all: BrokerOptionsInput = {
      brokerName: 'broker-a',
      bindAddress: '127.0.0.1',
      listenPort: 0,
      storePathRootDir: rootDir,
      mappedFileSizeCommitLog: 4 * 1024 * 1024,
      mappedFileSizeConsumeQueue: 20 * 1000,
      maxHashSlotNum: 1000,
      maxIndexNum: 4000,
      ...options,
    };
    const broker = new Broker(all);
    await broker.start();
    return new TestBroker(broker, rootDir, all, new RemotingClient({ processors }));
  }

  get address(): string {
    return this.broker.address;
  }

  /** Stops the broker and starts a new one on the same directory. */
  async restart(changes: BrokerOptionsInput = {}): Promise<void> {
    await this.broker.close();
    this.broker = new Broker({ ...this.options, ...changes });
    await this.broker.start();
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.broker.close();
    await rm(this.rootDir, { recursive: true, force: true });
  }

  call<F extends FieldMap, R extends FieldMap>(
    definition: RequestDefinition<F, R>,
    fields: FieldInput<F>,
    body: Buffer | null = null,
    timeoutMs = 5_000,
  ): Promise<DecodedCommand> {
    return this.request(createRequest(definition, fields, body), timeoutMs);
  }

  request(command: RemotingCommand, timeoutMs = 5_000): Promise<DecodedCommand> {
    return this.client.request(this.address, command, { timeoutMs });
  }

  /** Sends one message; fields may be overridden. */
  send(
    topic: string,
    body: string,
    fields: Partial<RequestInput<typeof Requests.sendMessageV2>> = {},
  ): Promise<DecodedCommand> {
    return this.call(Requests.sendMessageV2, sendFields(topic, fields), Buffer.from(body));
  }

  /** Pulls with its own subscription (no heartbeat needed); holds when `suspendMs` is given. */
  pull(
    topic: string,
    fields: Partial<RequestInput<typeof Requests.pullMessage>> = {},
    suspendMs = 0,
  ): Promise<DecodedCommand> {
    return this.call(Requests.pullMessage, pullFields(topic, fields, suspendMs));
  }
}

export const sendFields = (
  topic: string,
  fields: Partial<RequestInput<typeof Requests.sendMessageV2>> = {},
): RequestInput<typeof Requests.sendMessageV2> => ({
  producerGroup: 'producers',
  topic,
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 0,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_000,
  flag: 0,
  properties: '',
  ...fields,
});

const SUSPEND = 2;
const SUBSCRIPTION = 4;

export const pullFields = (
  topic: string,
  fields: Partial<RequestInput<typeof Requests.pullMessage>> = {},
  suspendMs = 0,
): RequestInput<typeof Requests.pullMessage> => ({
  consumerGroup: 'consumers',
  topic,
  queueId: 0,
  queueOffset: 0,
  maxMsgNums: 32,
  sysFlag: SUBSCRIPTION | (suspendMs > 0 ? SUSPEND : 0),
  commitOffset: 0,
  suspendTimeoutMillis: suspendMs,
  subscription: '*',
  subVersion: 0,
  expressionType: 'TAG',
  ...fields,
});
