// Nest's Kafka transport (kafkajs): acks=all, and an offset is committed after its handler.
import { Controller } from '@nestjs/common';
import { EventPattern, Payload, Transport } from '@nestjs/microservices';
import { Kafka, logLevel } from 'kafkajs';
import type { BenchEvent, Closeable, Emitter, Settings, Sink } from './app.js';
import { clientOf, serviceOf } from './nest.js';

const TOPIC = 'events';

const clientOptions = ({ broker }: Settings) => ({ brokers: [String(broker)], logLevel: logLevel.ERROR });

export async function handle(settings: Settings, sink: Sink): Promise<Closeable> {
  const admin = new Kafka(clientOptions(settings)).admin();
  await admin.connect();
  const numPartitions = Number(settings['partitions']);
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions, replicationFactor: 1 }], waitForLeaders: true });
  await admin.disconnect();

  @Controller()
  class Events {
    @EventPattern(TOPIC)
    onEvent(@Payload() event: BenchEvent): void {
      sink(event);
    }
  }
  const service = await serviceOf(Events, {
    transport: Transport.KAFKA,
    options: {
      client: clientOptions(settings),
      consumer: { groupId: 'bench' },
      subscribe: { fromBeginning: true },
      run: { partitionsConsumedConcurrently: numPartitions },
    },
  });
  return service;
}

export const produce = (settings: Settings): Promise<Emitter> =>
  clientOf(
    {
      transport: Transport.KAFKA,
      options: { client: clientOptions(settings), producerOnlyMode: true, send: { acks: -1 } },
    },
    TOPIC,
  );
