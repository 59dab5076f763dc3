import { randomBytes } from 'node:crypto';
import type { OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { OutgoingMessage } from '@rocketnest/client';
import type { RocketMQConnection } from '../connection.js';
import type { Destination } from '../destination.js';
import { instrumented } from '../operations/instrumentation.js';
import { toOutgoing } from '../outgoing.js';
import type { SqlQuery } from '../sql/database.js';
import { DEFAULT_CONNECTION } from '../tokens.js';
import type { Sendable } from '../topic-map.js';
import type { CheckedOutboxOptions, RocketMQOutboxOptions } from './options.js';
import { checkOutboxOptions } from './options.js';
import type { ClaimedRow, OutboxStatus, ParkedMessage } from './outbox-table.js';
import { OutboxTable } from './outbox-table.js';
import { OutboxRelay } from './relay.js';
import type { OutboxOptions } from './stored-message.js';
import { laneOf, toStored } from './stored-message.js';

/**
 * Messages that are sent if, and only if, a transaction of the application's database is committed: they are rows of a table in it, and a
 * relay sends them afterwards, at least once. `RocketMQOutboxModule` makes one.
 *
 * ```ts
 * await dataSource.transaction(async (tx) => {
 *   await tx.save(order);
 *   await outbox.add(tx, 'order:created', order, { keys: order.id });
 * });
 * ```
 *
 * Messages of one `shardingKey` are sent in the order in which they were added; one that fails holds up those behind it and no others.
 */
export class RocketMQOutbox<Tx = SqlQuery> implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #options: CheckedOutboxOptions;
  readonly #table: OutboxTable;
  readonly #relay: OutboxRelay;

  /** @throws ConfigurationError naming the bad option */
  constructor(
    private readonly connection: RocketMQConnection,
    options: RocketMQOutboxOptions<Tx>,
    readonly name: string = DEFAULT_CONNECTION,
  ) {
    const suffix = name === DEFAULT_CONNECTION ? '' : `_${name.replace(/\W/g, '_')}`;
    this.#options = checkOutboxOptions(`Outbox '${name}'`, options, `rocketmq_outbox${suffix}`);
    this.#table = new OutboxTable(this.#options.database, this.#options.table);
    this.#relay = new OutboxRelay(
      `Outbox '${name}'`,
      this.#table,
      (row, timeoutMs) => this.#send(row, timeoutMs),
      this.#options,
      connection.logger,
    );
  }

  /**
   * Keeps a message in the transaction `tx`; it is sent when that is committed. What a broker would refuse is refused here.
   * @param tx as the database has it: an EntityManager, a Knex transaction, a client, a function that runs statements
   * @param options `delay` counts from now
   * @returns the message's id, which consumers get, too: however often it is sent, it is the same
   * @throws ConfigurationError when the message cannot be sent; what the database throws
   */
  async add<const D extends Destination>(
    tx: Tx,
    destination: D,
    payload: Sendable<D>,
    options: OutboxOptions = {},
  ): Promise<string> {
    const { connection } = this;
    const outgoing = toOutgoing(destination, payload, options, connection.serializer);
    const message = instrumented(outgoing.message, connection.options.instrumentations);
    const { shardingKey, timeoutMs } = outgoing.options;
    const messageId = this.#check(message, shardingKey);
    await this.#table.insert(this.#queryIn(tx), {
      messageId,
      topic: message.topic,
      lane: laneOf(message.topic, shardingKey),
      body: Buffer.from(message.body),
      message: toStored(message, { ...(shardingKey && { shardingKey }), ...(timeoutMs && { timeoutMs }) }),
    });
    if (!this.#options.database.onCommit(tx, this.#relay.wake)) this.#relay.expect();
    return messageId;
  }

  /** Looks at the table now. Not needed after transactions of `database`; after others, the table is looked at soon in any case. */
  wake(): void {
    this.#relay.wake();
  }

  /** The statements that create the table, for migrations. */
  get schema(): readonly string[] {
    return this.#table.schema;
  }

  /** Creates the table unless it exists. */
  createTable(): Promise<void> {
    return this.#table.createTable();
  }

  /** How many rows wait, fail or were put aside, and how long the oldest has been waiting. */
  status(): Promise<OutboxStatus> {
    return this.#table.status();
  }

  /** Messages that were put aside, oldest first. @param limit default 100 */
  parked(limit = 100): Promise<readonly ParkedMessage[]> {
    return this.#table.parked(limit);
  }

  /** Sends messages that were put aside once more, all of them or some. */
  async retryParked(ids?: readonly string[]): Promise<void> {
    if (ids?.length === 0) return;
    await this.#table.retryParked(ids);
    this.wake();
  }

  /** Deletes messages that were put aside: they will not be sent. */
  async discardParked(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#table.discardParked(ids);
  }

  async onModuleInit(): Promise<void> {
    if (this.#options.createTable) await this.createTable();
  }

  onApplicationBootstrap(): void {
    if (this.#options.relay && this.connection.enabled) this.#relay.start();
  }

  /** After the listeners, which may add more until they are done, and before the rest: the relay needs database and producer. */
  async onModuleDestroy(): Promise<void> {
    await this.#relay.stop(this.connection.options.shutdownTimeoutMs);
  }

  #queryIn(tx: Tx): SqlQuery {
    return this.#options.database.queryIn(tx);
  }

  /** A process without a producer may add messages that others send. */
  #check(message: OutgoingMessage, shardingKey: string | undefined): string {
    const { connection } = this;
    if (!connection.enabled) return randomBytes(16).toString('hex').toUpperCase();
    return connection.producer.checkMessage(message, shardingKey === undefined ? {} : { shardingKey });
  }

  #send({ topic, body, messageId, message }: ClaimedRow, longestMs: number): Promise<unknown> {
    const { shardingKey, timeoutMs, ...rest } = message;
    const { producer } = this.connection;
    return producer.send(
      { ...rest, topic, body, msgId: messageId },
      {
        timeoutMs: Math.min(timeoutMs ?? producer.options.sendTimeoutMs, longestMs),
        ...(shardingKey !== undefined && { shardingKey }),
      },
    );
  }
}
