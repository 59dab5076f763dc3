import {
  ConnectionError,
  type MessageExt,
  PullSysFlag,
  type RequestFields,
  Requests,
  ResponseCode,
  type ResponseFields,
  V5_0_0,
} from '@rocketnest/protocol';
import type { ResponseCallback } from '../broker-api.js';
import type { ClientInstance } from '../instance.js';
import { type MessageQueue, queueKey } from '../message-queue.js';
import { type BrokerAddress, type FindBrokerOptions, MASTER_ID } from '../routes.js';

export type PullFields = RequestFields<typeof Requests.pullMessage>;
export type PullHeader = ResponseFields<typeof Requests.pullMessage>;

/** Java: the 5 s deadline of offset queries and of consumerSendMessageBack. */
const SLOW_CALL_TIMEOUT_MS = 5_000;

/**
 * What one consumer group asks of brokers, addressed by queue instead of "host:port". Every function rejects with
 * ConnectionError when no live broker holds the queue, else as {@link BrokerApi} does.
 */
export class BrokerLink {
  constructor(
    private readonly instance: ClientInstance,
    private readonly group: string,
  ) {}

  /** The group's committed offset; null when it has none. Never the zero that older brokers invent for young topics. */
  async committedOffset(queue: MessageQueue): Promise<number | null> {
    const { address } = await this.locate(queue, { onlyMaster: true }, {});
    const { topic, queueId, brokerName } = queue;
    const fields = { consumerGroup: this.group, topic, queueId, setZeroIfNotFound: false, bname: brokerName };
    return this.instance.api.consumerOffset(address, fields, SLOW_CALL_TIMEOUT_MS);
  }

  async commitOffset(queue: MessageQueue, offset: number, confirmed: boolean): Promise<void> {
    const { address } = await this.locate(queue);
    const { topic, queueId, brokerName } = queue;
    const fields = { consumerGroup: this.group, topic, queueId, commitOffset: offset, bname: brokerName };
    if (confirmed) await this.instance.api.updateConsumerOffset(address, fields);
    else await this.instance.api.updateConsumerOffsetOneway(address, fields);
  }

  async maxOffset(queue: MessageQueue): Promise<number> {
    const { address } = await this.locate(queue, { onlyMaster: true });
    return this.instance.api.maxOffset(address, queue);
  }

  async minOffset(queue: MessageQueue): Promise<number> {
    const { address } = await this.locate(queue, { onlyMaster: true });
    return this.instance.api.minOffset(address, queue);
  }

  /** When the oldest message of the queue was stored, in ms since 1970; -1 when it holds none. */
  async earliestMsgStoreTime(queue: MessageQueue): Promise<number> {
    const { address } = await this.locate(queue, { onlyMaster: true });
    const { topic, queueId } = queue;
    const { fields } = await this.instance.api.call(address, Requests.getEarliestMsgStoretime, { topic, queueId });
    return fields.timestamp;
  }

  async searchOffset(queue: MessageQueue, timestamp: number): Promise<number> {
    const { address } = await this.locate(queue, { onlyMaster: true });
    return this.instance.api.searchOffset(address, queue, timestamp);
  }

  /** Sends a pull to the broker that was last suggested for the queue. Synchronous when the broker is known. */
  pull(queue: MessageQueue, brokerId: number, fields: PullFields, timeoutMs: number, callback: ResponseCallback): void {
    const send = (broker: BrokerAddress) => {
      let { sysFlag } = fields;
      // A slave has no say over the group's offset.
      if (broker.slave) sysFlag &= ~PullSysFlag.COMMIT_OFFSET;
      // Brokers before 5.0 know one kind of pull.
      if (sysFlag & PullSysFlag.LITE_PULL_MESSAGE && this.instance.brokerVersion(broker.address) < V5_0_0)
        sysFlag &= ~PullSysFlag.LITE_PULL_MESSAGE;
      this.instance.api.pullMessage(broker.address, { ...fields, sysFlag }, timeoutMs, (error, response) => {
        // A logic queue moved on: the next pull should go to its new leader.
        if (response?.code === ResponseCode.NOT_LEADER_FOR_QUEUE)
          this.instance.routes.refresh(queue.topic).catch(() => {});
        callback(error, response);
      });
    };
    const known = this.instance.findBrokerAddress(queue, { brokerId });
    if (known !== undefined) send(known);
    else this.locate(queue, { brokerId }).then(send, (error: Error) => callback(error));
  }

  /** Name of the broker that serves a queue now. */
  brokerOf(queue: MessageQueue): string {
    return this.instance.routes.brokerOf(queue) ?? queue.brokerName;
  }

  /** Asks one broker for the exclusive right to consume `queues`, all of which it holds. Resolves to the granted ones. */
  async lock(queues: readonly MessageQueue[]): Promise<MessageQueue[]> {
    const { address } = await this.locate(queues[0]!, { onlyMaster: true });
    return this.instance.api.lockBatch(address, this.group, this.instance.clientId, queues);
  }

  /** Gives up the right; the broker does not answer. */
  async unlock(queues: readonly MessageQueue[]): Promise<void> {
    const { address } = await this.locate(queues[0]!, { onlyMaster: true });
    await this.instance.api.unlockBatch(address, this.group, this.instance.clientId, queues);
  }

  /** CONSUMER_SEND_MSG_BACK: the broker that stores the message delivers it again later, or gives it up when delayLevel < 0. */
  async sendBack(
    message: MessageExt,
    queue: MessageQueue,
    delayLevel: number,
    maxReconsumeTimes: number,
  ): Promise<void> {
    const { address } = await this.locate(queue, { onlyMaster: true });
    const fields = {
      group: this.group,
      offset: message.commitLogOffset,
      delayLevel,
      originTopic: this.instance.namespace.wrapTopic(message.topic),
      originMsgId: message.msgId,
      unitMode: this.instance.options.unitMode,
      maxReconsumeTimes,
      bname: queue.brokerName,
    };
    await this.instance.api.consumerSendMessageBack(address, fields, SLOW_CALL_TIMEOUT_MS);
  }

  private async locate(
    queue: MessageQueue,
    first: FindBrokerOptions = { brokerId: MASTER_ID },
    afterRefresh: FindBrokerOptions = first,
  ): Promise<BrokerAddress> {
    const known = this.instance.findBrokerAddress(queue, first);
    if (known !== undefined) return known;
    await this.instance.routes.refresh(queue.topic);
    const found = this.instance.findBrokerAddress(queue, afterRefresh);
    if (found !== undefined) return found;
    throw new ConnectionError(
      `No address of broker ${queue.brokerName} is known for queue ${queueKey(queue)}: it is not registered at the name server. It is tried again.`,
      { context: { ...queue, group: this.group } },
    );
  }
}
