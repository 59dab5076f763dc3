import {
  bitsOfOffsets,
  type DecodedCommand,
  decodeMessages,
  encodeBatchAckRequest,
  encodePopReceipt,
  encodeProperties,
  type MessageExt,
  parsePopNumbers,
  parsePopReceipt,
  popTopicKind,
  type RequestInput,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { TestBroker } from '../harness.js';

/** A popped message with its receipt. */
export interface Popped {
  readonly message: MessageExt;
  readonly text: string;
  readonly receipt: string;
}

type PopInput = Partial<RequestInput<typeof Requests.popMessage>>;

/** Speaks pop to a broker, as Java's client does: receipts are made from the answer's start offsets. */
export class PopClient {
  constructor(
    readonly target: Pick<TestBroker, 'call' | 'send'>,
    readonly topic = 'orders',
    readonly group = 'consumers',
  ) {}

  async send(text: string, queueId = 0, properties: Record<string, string> = {}): Promise<void> {
    const fields = { queueId, properties: encodeProperties(properties) };
    const { code, remark } = await this.target.send(this.topic, text, fields);
    if (code !== ResponseCode.SUCCESS) throw new Error(`send: ${code} ${remark}`);
  }

  /** The answer as it is. */
  request(fields: PopInput = {}): Promise<DecodedCommand> {
    return this.target.call(
      Requests.popMessage,
      {
        consumerGroup: this.group,
        topic: this.topic,
        queueId: -1,
        maxMsgNums: 32,
        invisibleTime: 60_000,
        pollTime: 0,
        bornTime: 0,
        initMode: 0,
        expType: 'TAG',
        exp: '*',
        ...fields,
      },
      null,
      20_000,
    );
  }

  async pop(fields: PopInput = {}): Promise<Popped[]> {
    return this.read(await this.request(fields));
  }

  read(answer: DecodedCommand): Popped[] {
    if (answer.body === null) return [];
    const { popTime, invisibleTime, reviveQid, startOffsetInfo } = answer.extFields;
    const starts = parsePopNumbers(startOffsetInfo);
    return decodeMessages(answer.body).map((message) => {
      const kind = popTopicKind(message.topic);
      const made = encodePopReceipt({
        startOffset: starts.get(`${kind}@${message.queueId}`) ?? -1,
        popTime: Number(popTime),
        invisibleTime: Number(invisibleTime),
        reviveQueueId: Number(reviveQid),
        kind,
        brokerName: 'broker-a',
        queueId: message.queueId,
        queueOffset: message.queueOffset,
      });
      return { message, text: message.body.toString(), receipt: message.properties['POP_CK'] ?? made };
    });
  }

  /** The topic that a message is stored in, by its receipt. */
  private realTopic({ receipt, message }: Popped): string {
    const { kind } = parsePopReceipt(receipt);
    return kind === '0' ? message.topic : `%RETRY%${this.group}${kind === '1' ? '_' : '+'}${this.topic}`;
  }

  ack(popped: Popped, changes: Partial<RequestInput<typeof Requests.ackMessage>> = {}): Promise<DecodedCommand> {
    return this.target.call(Requests.ackMessage, {
      consumerGroup: this.group,
      topic: this.realTopic(popped),
      queueId: popped.message.queueId,
      extraInfo: popped.receipt,
      offset: popped.message.queueOffset,
      ...changes,
    });
  }

  /** Messages of one pop of one queue. */
  batchAck(popped: readonly Popped[]): Promise<DecodedCommand> {
    const { startOffset, reviveQueueId, popTime, invisibleTime, kind, queueId } = parsePopReceipt(popped[0]!.receipt);
    const offsets = popped.map(({ message }) => message.queueOffset);
    const ack = {
      c: this.group,
      t: this.topic,
      r: kind,
      so: startOffset,
      q: queueId,
      rq: reviveQueueId,
      pt: popTime,
      it: invisibleTime,
      b: bitsOfOffsets(offsets, startOffset),
    };
    return this.target.call(
      Requests.batchAckMessage,
      {},
      encodeBatchAckRequest({ brokerName: 'broker-a', acks: [ack] }),
    );
  }

  changeInvisible(popped: Popped, invisibleTime: number, suspend = false): Promise<DecodedCommand> {
    return this.target.call(Requests.changeMessageInvisibletime, {
      consumerGroup: this.group,
      topic: this.realTopic(popped),
      queueId: popped.message.queueId,
      extraInfo: popped.receipt,
      offset: popped.message.queueOffset,
      invisibleTime,
      suspend,
    });
  }

  /** Pops, holding, until so many messages came; acknowledges what came before it returns. */
  async take(count: number, timeoutMs = 15_000, fields: PopInput = {}): Promise<Popped[]> {
    const taken: Popped[] = [];
    const deadline = Date.now() + timeoutMs;
    while (taken.length < count) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${taken.length} of ${count} messages came in ${timeoutMs} ms`);
      taken.push(...(await this.pop({ pollTime: Math.min(left, 10_000), ...fields })));
    }
    return taken;
  }
}

export const texts = (popped: readonly Popped[]): string[] => popped.map(({ text }) => text);

/** Resolves when the condition holds. */
export async function until(condition: () => Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error(`still not so after ${timeoutMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
