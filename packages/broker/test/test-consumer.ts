import {
  createRequest,
  type DecodedCommand,
  encodeHeartbeat,
  parseSubscription,
  type RemotingCommand,
  Requests,
} from '@rocketnest/protocol';
import { type Processor, RemotingClient } from '@rocketnest/remoting';
import type { TestBroker } from './harness.js';

/** A consumer as a broker sees it: a connection with heartbeats, which answers what the broker asks it. */
export class TestConsumer {
  private constructor(
    private readonly target: TestBroker,
    private readonly client: RemotingClient,
    readonly clientId: string,
  ) {}

  /** Connects and subscribes. `answers`: request code → what this consumer does. `version`: ordinal of `MQVersion`. */
  static async join(
    target: TestBroker,
    group: string,
    topics: readonly string[],
    settings: {
      clientId?: string;
      version?: number;
      messageModel?: 'CLUSTERING' | 'BROADCASTING';
      answers?: Readonly<Record<number, Processor>>;
    } = {},
  ): Promise<TestConsumer> {
    const { clientId = 'client-1', version, messageModel = 'CLUSTERING', answers = {} } = settings;
    const processors = new Map(Object.entries(answers).map(([code, answer]) => [Number(code), answer]));
    const consumer = new TestConsumer(target, new RemotingClient({ processors }), clientId);
    const body = encodeHeartbeat({
      clientID: clientId,
      producerDataSet: [],
      consumerDataSet: [
        {
          groupName: group,
          consumeType: 'CONSUME_PASSIVELY',
          messageModel,
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          subscriptionDataSet: topics.map((topic) => parseSubscription(topic, 'a || b', 'TAG', 1)),
          unitMode: false,
        },
      ],
    });
    const heartbeat = createRequest(Requests.heartBeat, {}, body);
    if (version !== undefined) heartbeat.version = version;
    await consumer.call(heartbeat);
    return consumer;
  }

  /** Over the connection that its heartbeats use. */
  call(request: RemotingCommand): Promise<DecodedCommand> {
    return this.client.request(this.target.address, request, { timeoutMs: 5_000 });
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
