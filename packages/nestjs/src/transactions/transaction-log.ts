import type { SqlDatabase, SqlQuery } from '../sql/database.js';
import { rowsOf } from '../sql/database.js';
import type { SqlDialect } from '../sql/dialect.js';
import { createTables, deleteInBatches, SQL_DIALECTS } from '../sql/dialect.js';

/**
 * What became of a transaction. `committed` is written by the transaction itself, so it is there only if that was committed; the
 * others are written by those who want to know, and then nothing can be committed any more: there is one row for each id.
 */
export type LoggedState = 'committed' | 'failed' | 'expired';

/** A row for every local transaction, written by itself; its primary key lets one outcome win. */
export class TransactionLog {
  readonly schema: readonly string[];
  readonly #sql: SqlDialect;
  readonly #query: SqlQuery;

  /** @param name checked: it becomes part of statements */
  constructor(
    { dialect, query }: Pick<SqlDatabase<unknown>, 'dialect' | 'query'>,
    private readonly name: string,
  ) {
    this.#sql = SQL_DIALECTS[dialect];
    this.#query = query;
    const { types, tableOptions } = this.#sql;
    this.schema = [
      `CREATE TABLE IF NOT EXISTS ${name} (
  id ${types.key} NOT NULL PRIMARY KEY,
  state varchar(9) NOT NULL,
  added_at ${types.time} NOT NULL
)${tableOptions}`,
    ];
  }

  createTable(): Promise<void> {
    return createTables(this.#query, this.schema);
  }

  /**
   * Says, inside the transaction, that it is committed. Fails where somebody said otherwise.
   * @param query runs in the transaction
   */
  async commit(query: SqlQuery, id: string): Promise<void> {
    await query(this.#insert('committed'), [id]);
  }

  async read(id: string): Promise<LoggedState | undefined> {
    const found = await this.#query(this.#sql.statement(`SELECT state FROM ${this.name} WHERE id = ?`), [id]);
    return rowsOf(found)[0]?.['state'] as LoggedState | undefined;
  }

  /**
   * The outcome for good: what is written, else `state`. Where the transaction has written its row and is neither committed nor
   * rolled back yet, the database lets this wait until it is.
   */
  async settle(id: string, state: 'failed' | 'expired'): Promise<LoggedState> {
    await this.#query(`${this.#insert(state)} ${this.#sql.unlessKnown}`, [id]);
    // A purge may just have deleted it; then it was very old.
    return (await this.read(id)) ?? state;
  }

  /** Deletes rows that are that old. */
  purge(ageMs: number): Promise<void> {
    const where = `added_at <= ${this.#sql.earlier}`;
    return deleteInBatches(this.#query, this.#sql, { table: this.name, where, parameters: [ageMs] });
  }

  #insert(state: LoggedState): string {
    return this.#sql.statement(
      `INSERT INTO ${this.name} (id, state, added_at) VALUES (?, '${state}', ${this.#sql.now})`,
    );
  }
}
