import type { SqlDatabase, SqlQuery } from '../sql/database.js';
import { rowsOf } from '../sql/database.js';
import type { SqlDialect } from '../sql/dialect.js';
import { createTables, deleteInBatches, marks, SQL_DIALECTS } from '../sql/dialect.js';
import type { WaitingRow } from './free-rows.js';
import { FreeRows, isBeginningOfLane } from './free-rows.js';
import type { StoredMessage } from './stored-message.js';

/** A message that is to be kept until it is sent. */
export interface NewOutboxRow {
  readonly messageId: string;
  readonly topic: string;
  /** Rows of one lane are sent one after the other; undefined: in no order. At most 255 bytes. */
  readonly lane: string | undefined;
  readonly body: Uint8Array;
  readonly message: StoredMessage;
}

/** A row that this process may send. */
export interface ClaimedRow extends NewOutboxRow {
  /** As the driver has it: a number, a bigint or text. */
  readonly id: unknown;
  /** Failed sends so far. */
  readonly attempts: number;
}

export interface OutboxClaim {
  /** Unique for the claim, 36 characters. */
  readonly owner: string;
  /** Nobody else gets the rows for this long. */
  readonly leaseMs: number;
  /** Rows that may be sent at the same time, at most. */
  readonly lanes: number;
  /** Rows in all, at most: those behind the first ones of their lanes, too. */
  readonly rows: number;
}

export interface OutboxClaimed {
  readonly rows: readonly ClaimedRow[];
  /** There are more free rows than were asked for. */
  readonly hasMore: boolean;
}

/** How the table stands; one that never was is as good as an empty one. */
export interface OutboxStatus {
  /** Rows not sent yet, those that failed and will be tried again included. */
  readonly waiting: number;
  /** How long the oldest of them has been waiting, in ms; 0 when there is none. */
  readonly oldestWaitingMs: number;
  /** Waiting rows that failed at least once. */
  readonly failing: number;
  /** Rows put aside because they cannot be sent. */
  readonly parked: number;
}

/** A row that was put aside. */
export interface ParkedMessage {
  /** For `retryParked` and `discardParked`. */
  readonly id: string;
  readonly messageId: string;
  readonly topic: string;
  readonly tag: string | undefined;
  readonly keys: string | readonly string[] | undefined;
  readonly attempts: number;
  /** What the last attempt failed with. */
  readonly error: string;
  /** How long ago it was added, in ms. */
  readonly ageMs: number;
}

/** Rows that are looked at by one statement. */
const PAGE_ROWS = 500;

/** The error text of a row, in characters, at most. */
const MAX_ERROR = 2_000;

const COLUMNS = 'id, message_id, topic, lane, body, message, attempts';

/**
 * The rows of an outbox and what is said about them in SQL. `state` is waiting, sent or parked. A waiting row is free when its `due_at` has
 * come: a claim and the pause after a failure both put it off.
 */
export class OutboxTable {
  readonly schema: readonly string[];
  readonly #sql: SqlDialect;
  readonly #query: SqlQuery;
  readonly #isPostgres: boolean;

  /** @param name checked: it becomes part of statements */
  constructor(
    { dialect, query }: Pick<SqlDatabase<unknown>, 'dialect' | 'query'>,
    private readonly name: string,
  ) {
    this.#sql = SQL_DIALECTS[dialect];
    this.#query = query;
    this.#isPostgres = dialect === 'postgres';
    const { types, tableOptions } = this.#sql;
    const columns = 'state, id, lane';
    // MySQL has no CREATE INDEX IF NOT EXISTS, Postgres no indexes in CREATE TABLE.
    const key = this.#isPostgres ? '' : `,\n  KEY (${columns})`;
    this.schema = [
      `CREATE TABLE IF NOT EXISTS ${name} (
  id ${types.autoId},
  message_id varchar(56) NOT NULL,
  topic varchar(255) NOT NULL,
  lane ${types.key},
  body ${types.bytes} NOT NULL,
  message ${types.text} NOT NULL,
  state varchar(8) NOT NULL,
  attempts integer NOT NULL,
  error ${types.text},
  owner char(36),
  due_at ${types.time} NOT NULL,
  added_at ${types.time} NOT NULL,
  sent_at ${types.time}${key}
)${tableOptions}`,
      ...(this.#isPostgres
        ? [`CREATE INDEX IF NOT EXISTS ${name.replace('.', '_')}_state ON ${name} (${columns})`]
        : []),
    ];
  }

  createTable(): Promise<void> {
    return createTables(this.#query, this.schema);
  }

  /** @param query runs in the application's transaction */
  async insert(query: SqlQuery, { messageId, topic, lane, body, message }: NewOutboxRow): Promise<void> {
    const { now } = this.#sql;
    await query(
      this.#sql.statement(
        `INSERT INTO ${this.name} (message_id, topic, lane, body, message, state, attempts, due_at, added_at)
VALUES (?, ?, ?, ?, ?, 'waiting', 0, ${now}, ${now})`,
      ),
      [messageId, topic, lane ?? null, body, JSON.stringify(message)],
    );
  }

  /**
   * Free rows for one relay, oldest first. Only the first waiting row of a lane can be claimed, and those right behind it by the same
   * relay, so nobody overtakes. Several relays may choose the same rows; each row is one's.
   */
  async claim({ owner, leaseMs, lanes, rows }: OutboxClaim): Promise<OutboxClaimed> {
    const free = await this.#choose(new FreeRows(lanes, rows));
    if (free.ids.length === 0) return { rows: [], hasMore: false };
    const taken = rowsOf(await this.#take(free.ids, owner, leaseMs)).map(toClaimedRow);
    const isOwn = isBeginningOfLane(
      free.rows,
      taken.map(({ id }) => id),
    );
    const own = taken.filter(({ id }) => isOwn(id));
    if (own.length < taken.length) {
      await this.release(
        taken.filter((row) => !own.includes(row)),
        owner,
      );
    }
    return { rows: own, hasMore: free.isFull };
  }

  /** Rows whose messages the broker has. @param keep whether they stay in the table, marked, for `purgeSent` */
  async sent(ids: readonly unknown[], keep: boolean): Promise<void> {
    await this.#run(
      keep
        ? `UPDATE ${this.name} SET state = 'sent', owner = NULL, error = NULL, sent_at = ${this.#sql.now} WHERE id IN (${marks(ids)})`
        : `DELETE FROM ${this.name} WHERE id IN (${marks(ids)})`,
      ids,
    );
  }

  /** The row's send failed; it is free again after a pause. Does nothing when the claim has ended. */
  async failed(row: ClaimedRow, owner: string, error: string, pauseMs: number): Promise<void> {
    await this.#run(
      `UPDATE ${this.name} SET owner = NULL, attempts = ?, error = ?, due_at = ${this.#sql.later} WHERE id = ? AND owner = ?`,
      [row.attempts + 1, toErrorText(error), pauseMs, row.id, owner],
    );
  }

  /** Puts the row aside. Does nothing when the claim has ended. */
  async park(row: ClaimedRow, owner: string, error: string): Promise<void> {
    await this.#run(
      `UPDATE ${this.name} SET state = 'parked', owner = NULL, attempts = ?, error = ? WHERE id = ? AND owner = ?`,
      [row.attempts + 1, toErrorText(error), row.id, owner],
    );
  }

  /** Gives claimed rows back unsent. */
  async release(rows: readonly ClaimedRow[], owner: string): Promise<void> {
    const ids = rows.map(({ id }) => id);
    await this.#run(
      `UPDATE ${this.name} SET owner = NULL, due_at = ${this.#sql.now} WHERE id IN (${marks(ids)}) AND owner = ?`,
      [...ids, owner],
    );
  }

  /** Deletes rows that were sent that long ago. */
  purgeSent(ageMs: number): Promise<void> {
    const where = `state = 'sent' AND sent_at <= ${this.#sql.earlier}`;
    return deleteInBatches(this.#query, this.#sql, { table: this.name, where, parameters: [ageMs] });
  }

  async status(): Promise<OutboxStatus> {
    const { msSince } = this.#sql;
    const [row] = rowsOf(
      await this.#run(
        `SELECT COUNT(CASE WHEN state = 'waiting' THEN 1 END) AS waiting,
  COUNT(CASE WHEN state = 'waiting' AND attempts > 0 THEN 1 END) AS failing,
  COUNT(CASE WHEN state = 'parked' THEN 1 END) AS parked,
  ${msSince("MIN(CASE WHEN state = 'waiting' THEN added_at END)")} AS oldest_waiting_ms
FROM ${this.name} WHERE state IN ('waiting', 'parked')`,
        [],
      ),
    );
    return {
      waiting: Number(row?.['waiting']),
      oldestWaitingMs: Math.max(0, Math.round(Number(row?.['oldest_waiting_ms'] ?? 0))),
      failing: Number(row?.['failing']),
      parked: Number(row?.['parked']),
    };
  }

  /** Rows put aside, oldest first. */
  async parked(limit: number): Promise<ParkedMessage[]> {
    const found = await this.#run(
      `SELECT id, message_id, topic, message, attempts, error, ${this.#sql.msSince('added_at')} AS age_ms
FROM ${this.name} WHERE state = 'parked' ORDER BY id LIMIT ${Number(limit)}`,
      [],
    );
    return rowsOf(found).map((row) => {
      const { tags, keys } = JSON.parse(String(row['message'])) as StoredMessage;
      return {
        id: String(row['id']),
        messageId: String(row['message_id']),
        topic: String(row['topic']),
        tag: tags,
        keys,
        attempts: Number(row['attempts']),
        error: String(row['error']),
        ageMs: Math.round(Number(row['age_ms'])),
      };
    });
  }

  /** Rows put aside are free again; all of them without `ids`. */
  async retryParked(ids: readonly string[] | undefined): Promise<void> {
    await this.#run(
      `UPDATE ${this.name} SET state = 'waiting', attempts = 0, due_at = ${this.#sql.now} WHERE state = 'parked'${among(ids)}`,
      ids ?? [],
    );
  }

  async discardParked(ids: readonly string[]): Promise<void> {
    await this.#run(`DELETE FROM ${this.name} WHERE state = 'parked'${among(ids)}`, ids);
  }

  #run(sql: string, parameters: readonly unknown[]): Promise<unknown> {
    return this.#query(this.#sql.statement(sql), [...parameters]);
  }

  /**
   * Without locks, which passes by open transactions and, on MySQL, leaves the gaps free where the application inserts. Page by page: a lane
   * with many rows that cannot be sent is not read to its end.
   */
  async #choose(free: FreeRows): Promise<FreeRows> {
    const { now } = this.#sql;
    let after: unknown = 0;
    while (!free.isFull) {
      const crowded = free.crowdedLanes;
      const others = crowded.length === 0 ? '' : ` AND lane NOT IN (${marks(crowded)})`;
      const page = rowsOf(
        await this.#run(
          `SELECT id, lane, CASE WHEN due_at <= ${now} THEN 1 ELSE 0 END AS is_due FROM ${this.name}
WHERE state = 'waiting' AND id > ? AND ((lane IS NULL AND due_at <= ${now}) OR (lane IS NOT NULL${others}))
ORDER BY id LIMIT ${PAGE_ROWS}`,
          [after, ...crowded],
        ),
      ).map(toWaitingRow);
      free.read(page);
      if (page.length < PAGE_ROWS) break;
      after = page.at(-1)!.id;
    }
    return free;
  }

  /** Takes those of the rows that are still free. */
  async #take(ids: readonly unknown[], owner: string, leaseMs: number): Promise<unknown> {
    const { name } = this;
    const { now, later } = this.#sql;
    const stillFree = `id IN (${marks(ids)}) AND state = 'waiting' AND due_at <= ${now}`;
    if (this.#isPostgres) {
      const columns = COLUMNS.replace(/\w+/g, 'taken.$&');
      return this.#run(
        `WITH free AS (
  SELECT id AS free_id FROM ${name} WHERE ${stillFree} ORDER BY id FOR UPDATE SKIP LOCKED
), done AS (
  UPDATE ${name} AS taken SET owner = ?, due_at = ${later} FROM free WHERE taken.id = free.free_id RETURNING ${columns}
) SELECT ${COLUMNS} FROM done ORDER BY id`,
        [...ids, owner, leaseMs],
      );
    }
    await this.#run(`UPDATE ${name} SET owner = ?, due_at = ${later} WHERE ${stillFree}`, [owner, leaseMs, ...ids]);
    return this.#run(`SELECT ${COLUMNS} FROM ${name} WHERE id IN (${marks(ids)}) AND owner = ? ORDER BY id`, [
      ...ids,
      owner,
    ]);
  }
}

const among = (ids: readonly string[] | undefined): string => (ids === undefined ? '' : ` AND id IN (${marks(ids)})`);

const toLane = (lane: unknown): string | undefined => (lane === null || lane === undefined ? undefined : String(lane));

const toWaitingRow = (row: Readonly<Record<string, unknown>>): WaitingRow => ({
  id: row['id'],
  lane: toLane(row['lane']),
  isDue: Number(row['is_due']) === 1,
});

function toClaimedRow(row: Readonly<Record<string, unknown>>): ClaimedRow {
  const body = row['body'] as Uint8Array;
  return {
    id: row['id'],
    messageId: String(row['message_id']),
    topic: String(row['topic']),
    lane: toLane(row['lane']),
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    message: JSON.parse(String(row['message'])) as StoredMessage,
    attempts: Number(row['attempts']),
  };
}

/** Postgres takes no NUL in text. */
const toErrorText = (error: string): string => error.replaceAll('\0', '').slice(0, MAX_ERROR);
