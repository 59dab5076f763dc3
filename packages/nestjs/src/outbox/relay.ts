import { randomUUID } from 'node:crypto';
import type { LoggerService } from '@nestjs/common';
import { ClosedError, ResponseCode, ResponseError, RocketMQError } from '@rocketnest/client';
import type { ClaimedRow, OutboxTable } from './outbox-table.js';
import { SentRows } from './sent-rows.js';
import { WakeUp } from './wake-up.js';

export interface RelayOptions {
  /** How often the table is looked at when nobody says that there is something. */
  readonly pollIntervalMs: number;
  /** Messages that are sent at the same time. */
  readonly concurrency: number;
  /** A row that was claimed is free again after this: its process is thought dead. */
  readonly leaseMs: number;
  /** Failures after which a row that brokers refuse is put aside. */
  readonly maxAttempts: number;
  /** Longest pause after a failure. */
  readonly maxBackoffMs: number;
  /** How long sent rows stay in the table; 0: they are deleted at once. */
  readonly keepSentMs: number;
}

/** Sends what a row holds, and resolves when the broker has it. */
export type SendRow = (row: ClaimedRow, timeoutMs: number) => Promise<unknown>;

/** Rows of one lane that are claimed together: so many that a lane is not looked for after each message. */
const ROWS_PER_LANE = 10;
const FIRST_BACKOFF_MS = 1_000;
const PURGE_INTERVAL_MS = 60_000;
/** So many failures in a row are an outage, in which the other rows need not be tried. */
const OUTAGE_FAILURES = 5;
const LONGEST_OUTAGE_PAUSE_MS = 10_000;

/** Answers of a broker that can take the message another time. */
const BUSY_CODES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.GO_AWAY,
  ResponseCode.NOT_LEADER_FOR_QUEUE,
]);

/** Whether nothing is wrong with the message: it will be sent when the servers are back. */
const isOutage = (error: unknown): boolean =>
  error instanceof RocketMQError &&
  (error.retriable ||
    error instanceof ClosedError ||
    (error instanceof ResponseError && BUSY_CODES.has(error.responseCode)));

const textOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));

/** 1 s, 2 s, 4 s … up to the longest. */
const backoff = (failures: number, longestMs: number): number =>
  Math.min(longestMs, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 30));

/** Sends the rows of an outbox. Any number of relays, in any number of processes, may share a table. */
export class OutboxRelay {
  readonly #wakeUp = new WakeUp();
  readonly #sent: SentRows;
  readonly #lanes = new Set<Promise<void>>();
  #running: Promise<void> | undefined;
  #isStopping = false;
  /** The table had more than there was room for. */
  #hasMore = false;
  #failuresInARow = 0;
  #databaseFailures = 0;
  #purgedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly label: string,
    private readonly table: OutboxTable,
    private readonly send: SendRow,
    private readonly options: RelayOptions,
    private readonly logger: LoggerService,
  ) {
    this.#sent = new SentRows(
      (ids) => table.sent(ids, options.keepSentMs > 0),
      (error) => logger.warn(`${label} cannot mark messages as sent, they may be sent again: ${textOf(error)}`),
    );
  }

  /** Rows may be waiting: a transaction that added some is committed. */
  wake = (): void => this.#wakeUp.call();

  /** Rows will be waiting: a transaction that adds some is under way. */
  expect(): void {
    if (this.#running !== undefined && !this.#isStopping) this.#wakeUp.soon();
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Sends under way end, what was not begun is given back to the table.
   * @param deadlineMs what is not done by then is left to the leases
   */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#wakeUp.close();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, true);
    });
    const drained = (async () => {
      await this.#running;
      await Promise.all(this.#lanes);
      return false;
    })();
    const isLate = await Promise.race([drained, late]);
    clearTimeout(timer);
    if (isLate) {
      this.logger.warn(
        `${this.label}: sends did not end within ${deadlineMs} ms. Their rows are free again after ${this.options.leaseMs} ms.`,
      );
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const pauseMs = await this.#turn();
      if (pauseMs > 0) await this.#wakeUp.sleep(pauseMs);
      await this.#outage();
    }
  }

  /** @returns how long to sleep, unless woken */
  async #turn(): Promise<number> {
    const { concurrency, pollIntervalMs, maxBackoffMs } = this.options;
    const room = concurrency - this.#lanes.size;
    // Claims of a few rows would cost as much as those of many.
    if (room < concurrency / 2) return pollIntervalMs;
    try {
      this.#hasMore = await this.#begin(room);
      await this.#purge();
      if (this.#databaseFailures > 0) this.logger.log(`${this.label}: the database answers again`);
      this.#databaseFailures = 0;
      return this.#hasMore ? 0 : pollIntervalMs;
    } catch (error) {
      if (this.#databaseFailures++ === 0) {
        this.logger.error(`${this.label}: the database cannot be used, it is tried again: ${textOf(error)}`);
      }
      return backoff(this.#databaseFailures, maxBackoffMs);
    }
  }

  /** Claims rows and begins to send them. @returns whether there was more than room for */
  async #begin(room: number): Promise<boolean> {
    const { leaseMs } = this.options;
    const owner = randomUUID();
    const endsAt = performance.now() + leaseMs;
    const { rows, hasMore } = await this.table.claim({ owner, leaseMs, lanes: room, rows: room * ROWS_PER_LANE });
    for (const lane of lanesOf(rows)) {
      const running = this.#sendLane(lane, owner, endsAt)
        .catch((error) => this.logger.error(`${this.label}: ${textOf(error)}`))
        .finally(() => {
          this.#lanes.delete(running);
          // Rows that came into the lane since it was claimed could not be.
          if (this.#hasMore || lane[0]?.lane !== undefined) this.wake();
        });
      this.#lanes.add(running);
    }
    return hasMore;
  }

  /** One after the other; a failure ends it, so that nothing overtakes. */
  async #sendLane(rows: readonly ClaimedRow[], owner: string, endsAt: number): Promise<void> {
    const timeoutMs = this.options.leaseMs / 2;
    const marks: Promise<void>[] = [];
    for (const [i, row] of rows.entries()) {
      const isFree = !this.#isStopping && performance.now() + timeoutMs <= endsAt;
      if (isFree && (await this.#sendRow(row, owner, timeoutMs))) {
        marks.push(this.#sent.add(row.id, endsAt));
        continue;
      }
      const rest = isFree ? rows.slice(i + 1) : rows.slice(i);
      if (rest.length > 0) await this.table.release(rest, owner);
      break;
    }
    await Promise.all(marks);
  }

  /** @returns whether the broker has it */
  async #sendRow(row: ClaimedRow, owner: string, timeoutMs: number): Promise<boolean> {
    try {
      await this.send(row, timeoutMs);
      if (this.#failuresInARow >= OUTAGE_FAILURES) this.logger.log(`${this.label}: messages are sent again`);
      this.#failuresInARow = 0;
      return true;
    } catch (error) {
      await this.#failed(row, owner, error);
      return false;
    }
  }

  async #failed(row: ClaimedRow, owner: string, error: unknown): Promise<void> {
    const { maxAttempts, maxBackoffMs } = this.options;
    const attempts = row.attempts + 1;
    const text = textOf(error);
    const what = `message ${row.messageId} to topic ${row.topic}`;
    if (isOutage(error)) {
      this.#failuresInARow++;
      if (this.#failuresInARow <= OUTAGE_FAILURES) this.logger.warn(`${this.label} could not send ${what}: ${text}`);
    } else if (attempts >= maxAttempts) {
      this.logger.error(
        `${this.label} puts ${what} aside after ${attempts} attempts: ${text} See parked(), retryParked() and discardParked().`,
      );
      return this.table.park(row, owner, text);
    } else this.logger.warn(`${this.label}: ${what} was refused (attempt ${attempts} of ${maxAttempts}): ${text}`);
    return this.table.failed(row, owner, text, backoff(attempts, maxBackoffMs));
  }

  /** While nothing can be sent, the rest of the table is not tried row by row. */
  async #outage(): Promise<void> {
    const beyond = this.#failuresInARow - OUTAGE_FAILURES;
    if (beyond < 0 || this.#isStopping) return;
    const until = performance.now() + backoff(Math.floor(beyond / OUTAGE_FAILURES) + 1, LONGEST_OUTAGE_PAUSE_MS);
    while (!this.#isStopping && this.#failuresInARow > 0 && performance.now() < until) {
      await this.#wakeUp.sleep(Math.max(1, until - performance.now()));
    }
  }

  async #purge(): Promise<void> {
    const { keepSentMs } = this.options;
    if (keepSentMs === 0 || performance.now() - this.#purgedAt < PURGE_INTERVAL_MS) return;
    this.#purgedAt = performance.now();
    await this.table.purgeSent(keepSentMs);
  }
}

/** Rows without a lane each have their own. Rows are in the order of their ids within each lane. */
function lanesOf(rows: readonly ClaimedRow[]): readonly (readonly ClaimedRow[])[] {
  const lanes = new Map<unknown, ClaimedRow[]>();
  for (const row of rows) {
    const key = row.lane ?? row;
    const lane = lanes.get(key);
    if (lane === undefined) lanes.set(key, [row]);
    else lane.push(row);
  }
  return [...lanes.values()];
}
