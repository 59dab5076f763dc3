import type { ClientInstance, MessageExt, SharedLitePullConsumerOptions } from '@rocketnest/client';
import {
  ConfigurationError,
  clientOptionTable,
  LitePullConsumer,
  litePullConsumerOptionTable,
} from '@rocketnest/client';
import type { CheckTable } from './checks.js';
import { checkOptions, must } from './checks.js';
import type { PayloadDeserializer, PayloadType } from './payload/deserializer.js';

/**
 * The consumer behind `RocketMQTemplate.receive`, as rocketmq-spring's `rocketmq.pull-consumer.*`. Everything the client's
 * LitePullConsumer takes, and what it reads.
 */
export interface PullConsumerOptions extends SharedLitePullConsumerOptions {
  readonly topic: string;
  readonly selectorType?: 'TAG' | 'SQL92';
  /** Tags, `'created || paid'`, or an SQL92 condition. Default `'*'`. */
  readonly selectorExpression?: string;
}

const table: CheckTable = {
  ...Object.fromEntries(
    Object.entries(litePullConsumerOptionTable)
      .filter(([key]) => !Object.hasOwn(clientOptionTable, key))
      .map(([key, { expected, accepts }]) => [key, must.be(expected, accepts)]),
  ),
  topic: must.beText,
  selectorType: must.beOneOf('TAG', 'SQL92'),
  selectorExpression: must.beText,
};

/** @throws ConfigurationError naming the path of the bad key */
export function checkPullConsumer(path: string, options: PullConsumerOptions): void {
  checkOptions(path, options, table);
  const { topic, group, selectorType, selectorExpression } = options;
  if (topic === undefined) throw new ConfigurationError(`${path} needs a topic.`);
  if (group === undefined) throw new ConfigurationError(`${path} needs a group.`);
  if (selectorType === 'SQL92' && selectorExpression === undefined) {
    throw new ConfigurationError(
      `${path} has selectorType SQL92 and no selectorExpression. Give a condition like 'amount > 100'.`,
    );
  }
}

/** How `receive` waits. */
export interface ReceiveOptions {
  /** What to read bodies as: `String`, `Buffer`, or a class for JSON. Default: as the senders say, see JsonPayloadDeserializer. */
  readonly type?: PayloadType;
  /** How long to wait for messages, in ms. Default: the pull consumer's `pollTimeoutMs` (5000). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Hands out decoded messages of a pull consumer. */
export class Receiver {
  readonly consumer: LitePullConsumer;
  /** Polled, and not handed out because one before them could not be decoded. */
  #rest: MessageExt[] = [];

  constructor(
    { topic, selectorType, selectorExpression = '*', ...options }: PullConsumerOptions,
    instance: ClientInstance,
    private readonly deserializer: PayloadDeserializer,
  ) {
    const filter = selectorType === 'SQL92' ? { sql92: selectorExpression } : selectorExpression;
    this.consumer = new LitePullConsumer(options, instance).subscribe(topic, filter);
  }

  /**
   * The next payloads; none when nothing came in time. Should a body not be decodable, what came before it is handed out, then
   * one call rejects and tells which it was, and the next goes on behind it.
   */
  async receive<T>({ type, timeoutMs, signal }: ReceiveOptions): Promise<T[]> {
    if (this.#rest.length === 0) {
      this.#rest = await this.consumer.poll(timeoutMs, signal === undefined ? {} : { signal });
    }
    const payloads: T[] = [];
    for (let message = this.#rest.shift(); message !== undefined; message = this.#rest.shift()) {
      try {
        payloads.push((await this.deserializer.deserialize(message, type)) as T);
      } catch (error) {
        if (payloads.length === 0) throw error;
        this.#rest.unshift(message);
        break;
      }
    }
    return payloads;
  }
}
