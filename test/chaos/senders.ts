import {
  type ClientOptionsInput,
  Producer,
  RocketMQError,
  TransactionProducer,
  type TransactionState,
} from '@rocketnest/client';
import type { Ledger, SendKind } from './ledger.js';
import type { Random } from './random.js';

export interface Topics {
  readonly plain: string;
  readonly ordered: string;
  readonly transactions: string;
}

const KEYS = 8;
const BURST = 20;
/** Pauses between sends, so that a run fits two cores. ms */
const PAUSE = { sync: 10, async: 200, ordered: 40, transaction: 50 } as const;

/** Outcomes of local transactions: first what the producer says, then what it says when it is asked. */
const OUTCOMES: readonly (readonly [TransactionState, TransactionState])[] = [
  ['COMMIT', 'COMMIT'],
  ['COMMIT', 'COMMIT'],
  ['ROLLBACK', 'ROLLBACK'],
  ['UNKNOWN', 'COMMIT'],
  ['UNKNOWN', 'ROLLBACK'],
];

/** Sends in all ways until it is stopped, and writes down what was acknowledged. */
export class Senders implements AsyncDisposable {
  readonly #running: Promise<void>[] = [];
  readonly #producer: Producer;
  readonly #transactional: TransactionProducer;
  /** transaction id → what the broker is told when it asks */
  readonly #decided = new Map<string, TransactionState>();
  #stopped = false;

  constructor(
    options: ClientOptionsInput,
    private readonly topics: Topics,
    private readonly ledger: Ledger,
    private readonly random: Random,
  ) {
    this.#producer = new Producer({ ...options, group: 'chaos-producers' });
    this.#transactional = new TransactionProducer({
      ...options,
      group: 'chaos-transactions',
      // A half message whose sender was never told of it: nothing ran.
      checker: ({ msgId }) => this.#decided.get(msgId) ?? 'ROLLBACK',
    });
  }

  async start(): Promise<void> {
    await this.#producer.start();
    await this.#transactional.start();
    this.#running.push(this.#sync(0), this.#sync(1), this.#async(), this.#transact(0), this.#transact(1));
    const queues = await this.#producer.publishQueues(this.topics.ordered);
    for (let key = 0; key < KEYS; key++) this.#running.push(this.#ordered(`key${key}`, queues[key % queues.length]!));
  }

  /** Resolves when every send has its outcome. The transaction producer stays, to be asked. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#producer.close();
    await this.#transactional.close();
  }

  async #sync(worker: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      await this.#send('sync', `sync${worker}-${n}`);
      await pause(PAUSE.sync);
    }
  }

  async #async(): Promise<void> {
    for (let n = 0; !this.#stopped; n += BURST) {
      await Promise.all(Array.from({ length: BURST }, (_, i) => this.#send('async', `async-${n + i}`)));
      await pause(PAUSE.async);
    }
  }

  async #send(kind: SendKind, id: string): Promise<void> {
    const topic = this.topics.plain;
    await this.#attempt(kind, async () => {
      const { queue, queueOffset } = await this.#producer.send({ topic, body: id, keys: id });
      this.ledger.acknowledged(kind, id, topic, `${queue.brokerName} ${queue.queueId} ${queueOffset}`);
    });
  }

  /** One message after the other, each until it is acknowledged, all to one queue: that is what keeps an order. */
  async #ordered(key: string, queue: { topic: string; brokerName: string; queueId: number }): Promise<void> {
    const topic = this.topics.ordered;
    for (let n = 0; !this.#stopped; ) {
      const id = `${key}-${n}`;
      const sent = await this.#attempt('ordered', async () => {
        const { queueOffset } = await this.#producer.send({ topic, body: id, keys: id }, { queue });
        this.ledger.acknowledged('ordered', id, topic, `${queue.brokerName} ${queue.queueId} ${queueOffset}`);
      });
      if (sent) n++;
      await pause(PAUSE.ordered);
    }
  }

  async #transact(worker: number): Promise<void> {
    const topic = this.topics.transactions;
    for (let n = 0; !this.#stopped; n++) {
      const id = `transaction${worker}-${n}`;
      const [first, later] = OUTCOMES[this.random.index(OUTCOMES.length)]!;
      if (later === 'ROLLBACK') this.ledger.rolledBack.add(id);
      await this.#attempt('transaction', async () => {
        const { queue } = await this.#transactional.sendInTransaction(
          { topic, body: id, keys: id },
          (_, transactionId) => {
            this.#decided.set(transactionId, later);
            return first;
          },
        );
        if (later === 'COMMIT') this.ledger.acknowledged('transaction', id, topic, queue.brokerName);
      });
      await pause(PAUSE.transaction);
    }
  }

  /** Errors of I/O are what chaos is about; others are not. */
  async #attempt(kind: SendKind, send: () => Promise<void>): Promise<boolean> {
    try {
      await send();
      return true;
    } catch (error) {
      if (!(error instanceof RocketMQError)) throw error;
      this.ledger.failed(kind, error);
      return false;
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
