import {
  ConnectionError,
  createRequest,
  encodePopReceipt,
  encodeQueryAssignmentRequest,
  parsePopReceipt,
  parseQueryAssignmentResponse,
  type QueryAssignmentResponse,
  type RequestInput,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { type ResponseCallback, responseError } from '../../broker-api.js';
import type { ClientInstance } from '../../instance.js';
import type { Popped } from './popped.js';

/** Deadline of acknowledgements and of changes of the invisible time. Java: ASYNC_TIMEOUT. */
const RECEIPT_TIMEOUT_MS = 3_000;

/** A queue, and whether its member pulls or pops it. Java: MessageQueueAssignment. */
export type Assignment = NonNullable<QueryAssignmentResponse['messageQueueAssignments']>[number];

/** Gives the error, or null when it was done. */
export type Done = (error: Error | null) => void;

/** What one consumer group asks of brokers when it pops. */
export class PopLink {
  constructor(
    private readonly instance: ClientInstance,
    private readonly group: string,
  ) {}

  /**
   * Which queues of the topic this member has, and whether it pulls or pops them, as a broker of the topic says. Null: it cannot
   * say, keep what you have. Undefined: it does not share out queues (before 5.0).
   * Rejects as {@link BrokerApi} does. Java: MQClientInstance.queryAssignment.
   */
  async assignment(topic: string, strategyName: string): Promise<readonly Assignment[] | null | undefined> {
    const { api, clientId, routes } = this.instance;
    if (routes.get(topic) === undefined) await routes.refresh(topic);
    const address = routes.anyBrokerOf(topic);
    if (address === undefined) return null;
    const body = encodeQueryAssignmentRequest({
      topic,
      consumerGroup: this.group,
      clientId,
      strategyName,
      messageModel: 'CLUSTERING',
    });
    const answer = await api.call(
      address,
      Requests.queryAssignment,
      {},
      { body, accept: [ResponseCode.SUCCESS, ResponseCode.REQUEST_CODE_NOT_SUPPORTED] },
    );
    if (answer.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return undefined;
    return parseQueryAssignmentResponse(answer.body).messageQueueAssignments ?? null;
  }

  /** POP_MESSAGE; the callback gets whatever the broker answers. Synchronous when the broker is known. */
  pop(fields: RequestInput<typeof Requests.popMessage>, timeoutMs: number, callback: ResponseCallback): void {
    this.send(
      fields.bname!,
      fields.topic,
      (address) => this.instance.api.invoke(address, createRequest(Requests.popMessage, fields), timeoutMs, callback),
      callback,
    );
  }

  /** The message is done and does not come again. */
  acknowledge(popped: Popped, done: Done): void {
    const fields = this.receiptFields(popped);
    this.send(
      popped.brokerName,
      popped.poppedTopic,
      (address) =>
        this.instance.api.invoke(
          address,
          createRequest(Requests.ackMessage, fields),
          RECEIPT_TIMEOUT_MS,
          (error, response) => {
            if (error !== null || response === undefined) done(error);
            else if (response.code === ResponseCode.SUCCESS) done(null);
            else done(responseError(Requests.ackMessage.name, popped.brokerName, response));
          },
        ),
      done,
    );
  }

  /**
   * Lets the message come again `ms` from now, and gives it a new receipt, with which it can be acknowledged until then.
   * @param untouched no handler has seen it: the delivery does not count
   */
  async changeInvisibleTime(popped: Popped, ms: number, untouched = false): Promise<void> {
    const { brokerName, queueId, queueOffset } = popped;
    const address = this.find(brokerName) ?? (await this.refreshAndFind(brokerName, popped.poppedTopic));
    const { fields } = await this.instance.api.call(
      address,
      Requests.changeMessageInvisibletime,
      { ...this.receiptFields(popped), invisibleTime: ms, suspend: untouched },
      { timeoutMs: RECEIPT_TIMEOUT_MS },
    );
    // Zeros: it was acknowledged before.
    if (fields.popTime === 0) return;
    const { kind } = parsePopReceipt(popped.receipt);
    popped.receipt = encodePopReceipt({
      startOffset: queueOffset,
      popTime: fields.popTime,
      invisibleTime: fields.invisibleTime,
      reviveQueueId: fields.reviveQid,
      kind,
      brokerName,
      queueId,
      queueOffset,
    });
    popped.expiresAt = Date.now() + ms;
  }

  private receiptFields({ brokerName, queueId, queueOffset, receipt, topic }: Popped) {
    return {
      consumerGroup: this.group,
      topic,
      queueId,
      offset: queueOffset,
      extraInfo: receipt,
      bname: brokerName,
    };
  }

  private send(brokerName: string, topic: string, request: (address: string) => void, failed: Done): void {
    const known = this.find(brokerName);
    if (known !== undefined) request(known);
    else this.refreshAndFind(brokerName, topic).then(request, failed);
  }

  private find(brokerName: string): string | undefined {
    return this.instance.findBrokerAddress(brokerName, { onlyMaster: true })?.address;
  }

  private async refreshAndFind(brokerName: string, topic: string): Promise<string> {
    await this.instance.routes.refresh(topic);
    const address = this.find(brokerName);
    if (address !== undefined) return address;
    throw new ConnectionError(
      `No address of broker ${brokerName} is known for topic ${topic}: it is not registered at the name server. It is tried again.`,
      { context: { brokerName, topic, group: this.group } },
    );
  }
}
