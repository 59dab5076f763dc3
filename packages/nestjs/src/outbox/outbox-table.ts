import type { SqlDatabase, SqlQuery } from '../sql/database.js';
import { rowsOf } from '../sql/database.js';
import type { SqlDialect } from '../sql/dialect.js';
import { createTables, deleteInBatches, marks, SQL_DIALECTS } from '../sql/dialect.js';
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
    const index = name.replace('.', '_');
    const indexed = (columns: string) =>
      `CREATE INDEX IF NOT EXISTS ${index}_${columns.replaceAll(', ', '_')} ON ${name} (${columns})`;
    const [byState, byLane] = ['state, id', 'lane, state, id'];
    // MySQL has no CREATE INDEX IF NOT EXISTS, Postgres no indexes in CREATE TABLE.
    const keys = this.#isPostgres ? '' : `,\n  KEY (${byState}),\n  KEY (${byLane})`;
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
  sent_at ${types.time}${keys}
)${tableOptions}`,
      ...(this.#isPostgres ? [indexed(byState), indexed(byLane)] : []),
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
   * Free rows for one relay, oldest first. Only the first waiting row of a lane can be claimed; whoever has it gets those behind it, too,
   * which nobody else can until it is sent.
   */
  async claim(claim: OutboxClaim): Promise<{ readonly rows: readonly ClaimedRow[]; readonly hasMore: boolean }> {
    const { name } = this;
    const { now } = this.#sql;
    const free = `o.state = 'waiting' AND o.due_at <= ${now}`;
    const before = `SELECT 1 FROM ${name} e WHERE e.lane = o.lane AND e.state = 'waiting' AND e.id < o.id`;
    const first = await this.#claim(`${free} AND (o.lane IS NULL OR NOT EXISTS (${before}))`, [], claim, claim.lanes);
    const rows = first.rows.map(toClaimedRow);
    const hasMore = first.found >= claim.lanes;
    const lanes = rows.flatMap(({ lane }) => (lane === undefined ? [] : [lane]));
    if (lanes.length === 0 || rows.length >= claim.rows) return { rows, hasMore };
    const heldByOthers = `${before} AND e.due_at > ${now} AND COALESCE(e.owner, '') <> ?`;
    const behind = await this.#claim(
      `${free} AND o.lane IN (${marks(lanes)}) AND NOT EXISTS (${heldByOthers})`,
      [...lanes, claim.owner],
      claim,
      claim.rows - rows.length,
    );
    return { rows: [...rows, ...behind.rows.map(toClaimedRow)], hasMore };
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

  #claim(rule: string, parameters: readonly unknown[], claim: OutboxClaim, limit: number): Promise<Claimed> {
    return this.#isPostgres
      ? this.#claimLocked(rule, parameters, claim, limit)
      : this.#claimChosen(rule, parameters, claim, limit);
  }

  /** One statement; relays that claim at the same time pass each other, and rows of open transactions. */
  async #claimLocked(
    rule: string,
    parameters: readonly unknown[],
    { owner, leaseMs }: OutboxClaim,
    limit: number,
  ): Promise<Claimed> {
    const columns = COLUMNS.replace(/\w+/g, 'taken.$&');
    const result = await this.#run(
      `WITH free AS (
  SELECT o.id AS free_id FROM ${this.name} o WHERE ${rule} ORDER BY o.id LIMIT ${limit} FOR UPDATE SKIP LOCKED
), done AS (
  UPDATE ${this.name} AS taken SET owner = ?, due_at = ${this.#sql.later} FROM free WHERE taken.id = free.free_id RETURNING ${columns}
) SELECT ${COLUMNS} FROM done ORDER BY id`,
      [...parameters, owner, leaseMs],
    );
    const rows = rowsOf(result);
    return { rows, found: rows.length };
  }

  /**
   * MySQL has no UPDATE that returns rows, and one that looks for them locks the gaps where the application inserts. So the rows are chosen
   * without locks, which passes by open transactions, and taken by their keys: of several relays that choose the same ones, one gets each.
   */
  async #claimChosen(
    rule: string,
    parameters: readonly unknown[],
    { owner, leaseMs }: OutboxClaim,
    limit: number,
  ): Promise<Claimed> {
    const { now, later } = this.#sql;
    const chosen = `SELECT o.id FROM ${this.name} o WHERE ${rule} ORDER BY o.id LIMIT ${limit}`;
    const ids = rowsOf(await this.#run(chosen, parameters)).map(({ id }) => id);
    if (ids.length === 0) return { rows: [], found: 0 };
    await this.#run(
      `UPDATE ${this.name} SET owner = ?, due_at = ${later} WHERE id IN (${marks(ids)}) AND state = 'waiting' AND due_at <= ${now}`,
      [owner, leaseMs, ...ids],
    );
    const taken = `SELECT ${COLUMNS} FROM ${this.name} WHERE id IN (${marks(ids)}) AND owner = ? ORDER BY id`;
    return { rows: rowsOf(await this.#run(taken, [...ids, owner])), found: ids.length };
  }
}

/** Rows that were claimed, and how many were found free: another relay may have taken some of them. */
interface Claimed {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly found: number;
}

const among = (ids: readonly string[] | undefined): string => (ids === undefined ? '' : ` AND id IN (${marks(ids)})`);

function toClaimedRow(row: Readonly<Record<string, unknown>>): ClaimedRow {
  const lane = row['lane'];
  const body = row['body'] as Uint8Array;
  return {
    id: row['id'],
    messageId: String(row['message_id']),
    topic: String(row['topic']),
    lane: lane === null || lane === undefined ? undefined : String(lane),
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    message: JSON.parse(String(row['message'])) as StoredMessage,
    attempts: Number(row['attempts']),
  };
}

/** Postgres takes no NUL in text. */
const toErrorText = (error: string): string => error.replaceAll('\0', '').slice(0, MAX_ERROR);
