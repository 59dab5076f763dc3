import {
  type ConsumerConnection,
  type ProducerConnection,
  parseConsumerConnection,
  parseProducerConnection,
  Requests,
  ResponseCode,
  retryTopic,
} from '@rocketnest/protocol';
import type { BrokersOf } from './brokers-of.js';

/** The programs connected to the brokers. */
export class ClientAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** Live members of a consumer group, asked of one broker. Null when none is connected. */
  async consumers(consumerGroup: string): Promise<ConsumerConnection | null> {
    const address = await this.brokers.anyOfTopic(retryTopic(consumerGroup));
    const { code, body } = await this.brokers.instance.api.call(
      address,
      Requests.getConsumerConnectionList,
      { consumerGroup },
      { accept: [ResponseCode.SUCCESS, ResponseCode.CONSUMER_NOT_ONLINE] },
    );
    return code === ResponseCode.SUCCESS ? parseConsumerConnection(body) : null;
  }

  /** Live members of a producer group, asked of one broker of a topic they send to. */
  async producers(producerGroup: string, topic: string): Promise<ProducerConnection> {
    const address = await this.brokers.anyOfTopic(topic);
    const { body } = await this.brokers.instance.api.call(address, Requests.getProducerConnectionList, {
      producerGroup,
    });
    return parseProducerConnection(body);
  }
}
