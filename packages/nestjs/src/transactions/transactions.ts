import type { OnApplicationBootstrap, OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import type { MessageExt, TransactionSendResult, TransactionState } from '@rocketnest/client';
import { ConfigurationError, PropertyName, TimeoutError, TransactionProducer } from '@rocketnest/client';
import type { RocketMQConnection } from '../connection.js';
import type { Destination } from '../destination.js';
import type { TransactionOptions } from '../send-options.js';
import type { SqlQuery } from '../sql/database.js';
import { RocketMQTemplate } from '../template.js';
import { DEFAULT_CONNECTION } from '../tokens.js';
import type { Sendable } from '../topic-map.js';
import type { CheckedTransactionsOptions, RocketMQTransactionsOptions } from './options.js';
import { checkTransactionsOptions } from './options.js';
import type { LoggedState } from './transaction-log.js';
import { TransactionLog } from './transaction-log.js';

/** What `send` resolves to. */
export interface SqlTransactionResult<R> extends TransactionSendResult {
  /** What the local transaction returned. */
  readonly value: R;
}

/** Name of the listener that answers for these transactions, in the messages: those of another name have another one. */
const LISTENER = 'rocketnest-sql';
const PURGE_INTERVAL_MS = 3_600_000;

const OUTCOME: Readonly<Record<LoggedState, TransactionState>> = {
  committed: 'COMMIT',
  failed: 'ROLLBACK',
  expired: 'ROLLBACK',
};

/**
 * Transactional messages whose local transaction is one of an SQL database: the message becomes visible if, and only if, that is committed.
 * `RocketMQTransactionsModule` makes one.
 *
 * ```ts
 * await transactions.send('order:created', order, async (tx) => {
 *   await tx.save(order);
 * });
 * ```
 *
 * The transaction also writes its id to a table, by which the broker's question is answered when a process died before it could tell
 * the outcome.
 */
export class RocketMQTransactions<Tx = SqlQuery> implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #options: CheckedTransactionsOptions;
  readonly #log: TransactionLog;
  readonly #template: RocketMQTemplate;
  readonly #listener: string;
  /** Ids of transactions of this process that the broker has not been told about. */
  readonly #running = new Set<string>();
  #purging: NodeJS.Timeout | undefined;

  /** @throws ConfigurationError naming the bad option, or when the connection has no producer group */
  constructor(
    private readonly connection: RocketMQConnection,
    options: RocketMQTransactionsOptions<Tx>,
    readonly name: string = DEFAULT_CONNECTION,
  ) {
    const isDefault = name === DEFAULT_CONNECTION;
    const table = isDefault ? 'rocketmq_transactions' : `rocketmq_transactions_${name.replace(/\W/g, '_')}`;
    this.#options = checkTransactionsOptions(`Transactions '${name}'`, options, table);
    this.#log = new TransactionLog(this.#options.database, this.#options.table);
    this.#template = new RocketMQTemplate(connection);
    this.#listener = isDefault ? LISTENER : `${LISTENER}:${name}`;
    connection.transactionListeners.push({
      label: `Transactions '${name}'`,
      options: { name: this.#listener },
      check: (message) => this.#check(message),
      execute: undefined,
    });
  }

  /**
   * Sends a half message, runs `work` in a database transaction, and makes the message visible once that is committed.
   * @param payload is sent before `work` runs, so it cannot depend on it
   * @param work the local transaction; throwing rolls it back, and the message with it
   * @throws what `work` or the database throws; TimeoutError when it took longer than `timeout` and the broker was told that it failed;
   * what `RocketMQTemplate.sendInTransaction` throws when the half message cannot be sent, and then `work` did not run
   */
  async send<R, const D extends Destination = Destination>(
    destination: D,
    payload: Sendable<D>,
    work: (tx: Tx, transactionId: string) => Promise<R>,
    options: Omit<TransactionOptions, 'listener'> = {},
  ): Promise<SqlTransactionResult<R>> {
    const local = new LocalTransaction<R>();
    const execute = (_: unknown, id: string): Promise<TransactionState> => {
      local.id = id;
      this.#running.add(id);
      return this.#execute(id, work, local);
    };
    const sending = this.#template.sendInTransaction(destination, payload, execute, {
      ...options,
      listener: this.#listener,
    });
    // Until the broker was told: two answers may make two messages.
    const result = await sending.finally(() => this.#running.delete(local.id));
    if (result.state !== 'COMMIT') throw local.failure;
    return { ...result, value: local.value as R };
  }

  /** The statements that create the table, for migrations. */
  get schema(): readonly string[] {
    return this.#log.schema;
  }

  /** Creates the table unless it exists. */
  createTable(): Promise<void> {
    return this.#log.createTable();
  }

  /** Deletes rows older than `keep`, which is done every hour, too. */
  purge(): Promise<void> {
    return this.#log.purge(this.#options.keepMs);
  }

  async onModuleInit(): Promise<void> {
    const { connection } = this;
    await connection.start();
    if (connection.enabled && !(connection.producer instanceof TransactionProducer)) {
      throw new ConfigurationError(
        `Transactions '${this.name}' need a producer group of the service's own, since the broker asks any producer of the group how they ended. ` +
          `Set producer: { group: 'my-service' } in RocketMQ connection '${connection.name}'.`,
      );
    }
    if (this.#options.createTable) await this.createTable();
  }

  onApplicationBootstrap(): void {
    if (!this.connection.enabled) return;
    const purge = () =>
      this.purge().catch((error: Error) =>
        this.connection.logger.warn(`Transactions '${this.name}': old rows could not be deleted: ${error.message}`),
      );
    void purge();
    this.#purging = setInterval(purge, PURGE_INTERVAL_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.#purging);
  }

  async #execute<R>(
    id: string,
    work: (tx: Tx, transactionId: string) => Promise<R>,
    local: LocalTransaction<R>,
  ): Promise<TransactionState> {
    const { database } = this.#options;
    let isWritten = false;
    try {
      local.value = await database.transaction(async (tx) => {
        const value = await work(tx as Tx, id);
        local.value = value;
        isWritten = true;
        // Last, so that those who want to know the outcome wait for the commit only.
        await this.#log.commit(database.queryIn(tx), id);
        return value;
      });
      return 'COMMIT';
    } catch (error) {
      local.failure = error;
      // What failed after this may have failed on the way back only: the database alone knows.
      return isWritten ? await this.#settle(id, local) : 'ROLLBACK';
    }
  }

  async #settle(id: string, local: LocalTransaction<unknown>): Promise<TransactionState> {
    try {
      const state = await this.#log.settle(id, 'failed');
      if (state === 'expired') {
        local.failure = new TimeoutError(
          `The local transaction ${id} took longer than ${this.#options.timeoutMs} ms and was rolled back: the broker had asked how it ended. Raise \`timeout\` of Transactions '${this.name}', or do less in it.`,
          { cause: local.failure, context: { transactionId: id } },
        );
      }
      return OUTCOME[state];
    } catch (error) {
      this.connection.logger.warn(
        `Transactions '${this.name}': the outcome of ${id} is not known, since the database does not answer; the broker will ask: ${(error as Error).message}`,
      );
      return 'UNKNOWN';
    }
  }

  /** The broker's question. Any process of the producer group may get it. */
  async #check(message: MessageExt): Promise<TransactionState> {
    const id = message.properties[PropertyName.UNIQ_KEY] ?? message.msgId;
    if (this.#running.has(id)) return 'UNKNOWN';
    const state = await this.#log.read(id);
    if (state !== undefined) return OUTCOME[state];
    if (Date.now() - message.bornTimestamp < this.#options.timeoutMs) return 'UNKNOWN';
    return OUTCOME[await this.#log.settle(id, 'expired')];
  }
}

/** What a local transaction came to. */
class LocalTransaction<R> {
  id = '';
  value: R | undefined;
  failure: unknown;
}
