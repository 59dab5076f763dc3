/** A row that waits to be sent. */
export interface WaitingRow {
  /** As the driver has it: a number, a bigint or text. */
  readonly id: unknown;
  /** Rows of one lane are sent one after the other; undefined: in no order. */
  readonly lane: string | undefined;
  /** Nobody has it, and no pause after a failure is on. */
  readonly isDue: boolean;
}

/** A lane with so many rows on a page keeps others from being read. */
const CROWD = 10;

/**
 * Finds, in rows that are read in order, those that may be sent now: rows without a lane, the first row of each lane, and the rows right
 * behind it. A row that is not due blocks its lane.
 */
export class FreeRows {
  readonly rows: WaitingRow[] = [];
  readonly #seen = new Set<string>();
  readonly #blocked = new Set<string>();
  readonly #crowded = new Set<string>();
  #lanes = 0;

  /**
   * @param maxLanes rows that may be sent at the same time
   * @param maxRows in all
   */
  constructor(
    private readonly maxLanes: number,
    private readonly maxRows: number,
  ) {}

  get ids(): readonly unknown[] {
    return this.rows.map(({ id }) => id);
  }

  /** As many as were asked for can be sent at the same time. */
  get isFull(): boolean {
    return this.#lanes >= this.maxLanes || this.rows.length >= this.maxRows;
  }

  /** Lanes of which nothing more needs to be read. */
  get crowdedLanes(): readonly string[] {
    return [...this.#crowded];
  }

  /** @param page rows that follow those of the page before */
  read(page: readonly WaitingRow[]): void {
    const counts = new Map<string, number>();
    for (const row of page) {
      if (this.#isFree(row) && this.rows.length < this.maxRows) this.rows.push(row);
      if (row.lane !== undefined) counts.set(row.lane, (counts.get(row.lane) ?? 0) + 1);
    }
    for (const [lane, count] of counts) {
      if (count < CROWD) continue;
      this.#crowded.add(lane);
      // What lies between is not read.
      this.#blocked.add(lane);
    }
  }

  #isFree({ lane, isDue }: WaitingRow): boolean {
    if (lane === undefined) return isDue && this.#hasRoom();
    if (this.#blocked.has(lane)) return false;
    const isFirst = !this.#seen.has(lane);
    this.#seen.add(lane);
    if (isDue && (!isFirst || this.#hasRoom())) return true;
    this.#blocked.add(lane);
    return false;
  }

  #hasRoom(): boolean {
    if (this.#lanes >= this.maxLanes) return false;
    this.#lanes++;
    return true;
  }
}

/**
 * Of rows that were chosen, others may have taken some in the meantime.
 * @returns whether a row has, in its lane, nothing before it that was not taken
 */
export function isBeginningOfLane(chosen: readonly WaitingRow[], taken: readonly unknown[]): (id: unknown) => boolean {
  const [own, broken] = [new Set<unknown>(taken), new Set<string>()];
  const beginnings = new Set<unknown>();
  for (const { id, lane } of chosen) {
    if (!own.has(id) && lane !== undefined) broken.add(lane);
    else if (lane === undefined || !broken.has(lane)) beginnings.add(id);
  }
  return (id) => beginnings.has(id);
}
