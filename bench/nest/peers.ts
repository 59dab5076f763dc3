import type { Peer } from '../harness/scenario.js';
import { type Install, prepareApps, versionOf } from './installs.js';
import { kafka } from './servers/kafka.js';
import { nats } from './servers/nats.js';
import { rabbitmq } from './servers/rabbitmq.js';
import { redis } from './servers/redis.js';
import { rocketmqProxy } from './servers/rocketmq-proxy.js';
import { rocketnest } from './servers/rocketnest.js';
import type { ServerKind } from './servers/server.js';

/** A Nest transport and its server. */
export interface NestPeer extends Peer {
  readonly server: ServerKind;
  readonly install: Install;
  /** File in apps/. */
  readonly app: string;
  /** The same of who emits, when that is another. */
  readonly emitter?: string;
  /** False: at most once, so events may be lost. */
  readonly stores: boolean;
}

type Row = Omit<NestPeer, 'missing' | 'prepare' | 'stores'> & { readonly stores?: boolean };

const peer = (row: Row): NestPeer => ({
  stores: true,
  ...row,
  missing: () => row.server.missing(),
  prepare() {
    prepareApps(row.install);
    row.server.prepare?.();
  },
});

const nest12 = (name: string): string => versionOf('nest12', name);
const nest11 = (name: string): string => versionOf('nest11', name);

/** `listener`: @RocketMQMessageListener and RocketMQTemplate. `transport`: ServerRocketMQ and ClientRocketMQ. `client`: no Nest. */
type Way = 'client' | 'listener' | 'transport';

const WAYS: Readonly<Record<Way, string>> = {
  client: 'PushConsumer without Nest, for messages of RocketMQTemplate',
  listener: '@RocketMQMessageListener and RocketMQTemplate',
  transport: 'ServerRocketMQ and ClientRocketMQ',
};

export const ours = (way: Way, flush: 'ASYNC_FLUSH' | 'SYNC_FLUSH' = 'ASYNC_FLUSH'): NestPeer =>
  peer({
    name: `rocketnest-${way}`,
    title: `RocketNest ${way}`,
    settings: `${WAYS[way]}; ${flush}: acknowledged when ${flush === 'SYNC_FLUSH' ? 'on disk (fdatasync)' : 'in the page cache'}; 8 queues, concurrency 20`,
    server: rocketnest(flush),
    install: 'workspace',
    app: `rocketnest-${way}`,
    // So that all ways of handling meet the same messages, properties and all.
    ...(way === 'client' && { emitter: 'rocketnest-listener' }),
  });

const RABBITMQ_SETTINGS =
  'durable classic queue, persistent messages, publisher confirms (sent when on disk), manual acknowledgement after the handler, prefetch 250';

export const rabbitmqTransport = peer({
  name: 'rabbitmq',
  title: 'Nest RabbitMQ',
  settings: `${RABBITMQ_SETTINGS}; amqplib ${nest12('amqplib')}`,
  server: rabbitmq,
  install: 'nest12',
  app: 'rabbitmq',
});

export const golevelup = peer({
  name: 'golevelup',
  title: '@golevelup/nestjs-rabbitmq',
  settings: `${nest11('@golevelup/nestjs-rabbitmq')} on Nest ${nest11('@nestjs/core')} (it does not take 12); ${RABBITMQ_SETTINGS}`,
  server: rabbitmq,
  install: 'nest11',
  app: 'golevelup',
});

export const kafkaTransport = (everyMessage = false): NestPeer =>
  peer({
    name: 'kafka',
    title: 'Nest Kafka',
    settings: `kafkajs ${nest12('kafkajs')}; acks=all, acknowledged when ${everyMessage ? 'on disk (log.flush.interval.messages=1)' : 'in the page cache'}; 8 partitions consumed at once, offsets committed after the handler; one KRaft process, -Xmx1g`,
    server: kafka(everyMessage),
    install: 'nest12',
    app: 'kafka',
  });

export const jetstream = peer({
  name: 'jetstream',
  title: '@horizon-republic/nestjs-jetstream',
  settings: `${nest11('@horizon-republic/nestjs-jetstream')} on Nest ${nest11('@nestjs/core')} (it does not take 12); stream on file, acknowledged when in the page cache; its emit waits for no acknowledgement, so the benchmark publishes through its connection and waits; it acknowledges events before their handler runs`,
  server: nats,
  install: 'nest11',
  app: 'jetstream',
});

export const bullmq = (appendfsync: 'everysec' | 'always' = 'everysec'): NestPeer =>
  peer({
    name: 'bullmq',
    title: '@nestjs/bullmq',
    settings: `bullmq ${nest12('bullmq')}; Redis with appendonly, appendfsync ${appendfsync}; worker concurrency 100, jobs removed after the handler`,
    server: redis(appendfsync),
    install: 'nest12',
    app: 'bullmq',
  });

export const apacheNodeClient = peer({
  name: 'rocketmq-client-nodejs',
  title: 'rocketmq-client-nodejs',
  settings: `${nest12('rocketmq-client-nodejs')}, called by a Nest provider (it has no Nest integration); Apache RocketMQ 5.5.0, proxy in local mode, -Xmx1g, ASYNC_FLUSH: acknowledged when in the page cache; 8 queues`,
  server: rocketmqProxy,
  install: 'nest12',
  app: 'rocketmq-client-nodejs',
});

export const redisTransport = peer({
  name: 'redis',
  title: 'Nest Redis',
  settings: 'publish/subscribe: at most once, nothing stored',
  server: redis(null),
  install: 'nest12',
  app: 'redis',
  stores: false,
});

export const natsTransport = peer({
  name: 'nats',
  title: 'Nest NATS',
  settings: `core NATS, @nats-io/transport-node ${nest12('@nats-io/transport-node')}: at most once, nothing stored`,
  server: nats,
  install: 'nest12',
  app: 'nats',
  stores: false,
});
