import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type OutgoingMessage,
  Producer,
  PushConsumer,
  type SendResult,
  TransactionProducer,
  type TransactionState,
} from '@rocketnest/client';
import { type MessageExt, PropertyName, ReservedPropertyNames } from '@rocketnest/protocol';
import type { InMessage, OutMessage, Peer, ProduceOptions, SendMode, Sent } from './peer.js';

type Sender = (producer: Producer, messages: readonly OutMessage[]) => Promise<SendResult[]>;

const SENDERS: Readonly<Record<SendMode, Sender>> = {
  sync: async (producer, messages) => {
    const results: SendResult[] = [];
    for (const message of messages) results.push(await producer.send(outgoing(message)));
    return results;
  },
  async: async (producer, messages) => await Promise.all(messages.map((message) => producer.send(outgoing(message)))),
  oneway: async (producer, messages) => {
    for (const message of messages) await producer.sendOneway(outgoing(message));
    return [];
  },
  batch: async (producer, messages) => [await producer.send(messages.map(outgoing))],
  ordered: async (producer, messages) => {
    const results: SendResult[] = [];
    for (const { shardingKey, ...message } of messages) {
      results.push(await producer.send(outgoing(message), { shardingKey }));
    }
    return results;
  },
};

const clientOptions = ({ namesrvAddr, group, trace }: ProduceOptions) => ({
  namesrvAddr,
  group,
  traceEnable: trace,
  sendTimeoutMs: 30_000,
});

/** Our client, in this process. */
export const node: Peer = {
  name: 'Node',

  async send(mode, options, messages) {
    await using producer = new Producer(clientOptions(options));
    await producer.start();
    return (await SENDERS[mode](producer, messages)).map(toSent);
  },

  async sendInTransaction(options, messages) {
    const checked: InMessage[] = [];
    const outcomes = new Map<string, TransactionState>();
    const producer = new TransactionProducer({
      ...clientOptions(options),
      checker: (message) => {
        checked.push(toInMessage(message));
        return outcomes.get(message.msgId) ?? 'UNKNOWN';
      },
    });
    await producer.start();
    for (const { outcome, checkOutcome, ...message } of messages) {
      await producer.sendInTransaction(outgoing(message), (_, transactionId) => {
        outcomes.set(transactionId, checkOutcome ?? outcome);
        return outcome;
      });
    }
    return { checked, [Symbol.asyncDispose]: () => producer.close() };
  },

  async consume(options) {
    const { namesrvAddr, group, topic, expression, orderly, broadcast, failures = 0, maxReconsumeTimes } = options;
    const { allocate, clientRebalance, instanceName, popInvisibleTimeMs } = options;
    const received: InMessage[] = [];
    const localOffsetStoreDir = await mkdtemp(join(tmpdir(), 'rocketnest-offsets-'));
    const consumer = new PushConsumer({
      namesrvAddr,
      group,
      traceEnable: options.trace,
      requestTimeoutMs: 30_000,
      consumeFrom: 'FIRST_OFFSET',
      // like those of the Java driver: the defaults of 30 s and 20 s make a test wait for a new topic
      pollNameServerIntervalMs: 1_000,
      rebalanceIntervalMs: 1_000,
      consumeMode: orderly ? 'ORDERLY' : 'CONCURRENTLY',
      messageModel: broadcast ? 'BROADCASTING' : 'CLUSTERING',
      maxReconsumeTimes,
      allocate,
      instanceName,
      clientRebalance,
      popInvisibleTimeMs,
      suspendCurrentQueueTimeMs: 100,
      localOffsetStoreDir,
    });
    consumer.subscribe(topic, expression).listen((messages) => {
      received.push(...messages.map(toInMessage));
      return messages.every(({ reconsumeTimes }) => reconsumeTimes >= failures) ? undefined : { action: 'retry' };
    });
    await consumer.start();
    return {
      received,
      [Symbol.asyncDispose]: async () => {
        await consumer.close();
        await rm(localOffsetStoreDir, { recursive: true, force: true });
      },
    };
  },

  close: async () => {},
};

function outgoing({ shardingKey: _, ...message }: OutMessage): OutgoingMessage {
  return message;
}

function toSent({ status, msgId, offsetMsgId, queue, queueOffset }: SendResult): Sent {
  return { status, msgId, offsetMsgId, queueId: queue.queueId, queueOffset };
}

function toInMessage(message: MessageExt): InMessage {
  const { properties } = message;
  return {
    ...message,
    tags: properties[PropertyName.TAGS] ?? null,
    keys: properties[PropertyName.KEYS] ?? null,
    userProperties: Object.fromEntries(Object.entries(properties).filter(([name]) => !ReservedPropertyNames.has(name))),
    receivedTimestamp: Date.now(),
  };
}
