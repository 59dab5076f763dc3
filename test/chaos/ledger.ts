/** What senders were promised, and what each consumer group got. At the end the two are compared. */

/** How a message was sent. */
export type SendKind = 'sync' | 'async' | 'ordered' | 'transaction';

export interface SendCounts {
  acknowledged: number;
  /** Rejected: stored or not, nobody knows. By name of the error. */
  failed: Map<string, number>;
  /** Longest time without an acknowledgement, ms. */
  longestGapMs: number;
  lastAt: number;
}

export interface GroupVerdict {
  readonly group: string;
  readonly delivered: number;
  readonly duplicates: number;
  /** Acknowledged and never delivered: `id sent at …`. */
  readonly lost: readonly string[];
  /** First deliveries of a key's messages in another order than they were sent. */
  readonly disorder: readonly string[];
}

interface Promised {
  readonly topic: string;
  readonly at: number;
  /** Where the broker said it is. */
  readonly place: string;
}

export class Ledger {
  readonly sends = new Map<SendKind, SendCounts>();
  readonly groups: GroupLedger[] = [];
  /** Messages of transactions that were rolled back and seen nevertheless. */
  readonly phantoms: string[] = [];
  /** Messages nobody is to see. */
  readonly rolledBack = new Set<string>();
  readonly #promised = new Map<string, Promised>();

  /** A consumer group that reads these topics. */
  group(name: string, topics: readonly string[]): GroupLedger {
    const group = new GroupLedger(name, topics, this);
    this.groups.push(group);
    return group;
  }

  acknowledged(kind: SendKind, id: string, topic: string, place: string): void {
    const counts = this.#counts(kind);
    const now = Date.now();
    counts.acknowledged++;
    counts.longestGapMs = Math.max(counts.longestGapMs, now - counts.lastAt);
    counts.lastAt = now;
    this.#promised.set(id, { topic, at: now, place });
  }

  failed(kind: SendKind, error: unknown): void {
    const { failed } = this.#counts(kind);
    const name = error instanceof Error ? error.constructor.name : String(error);
    failed.set(name, (failed.get(name) ?? 0) + 1);
  }

  /** Promised messages that a group has not got yet. */
  missing(group: GroupLedger): string[] {
    const missing: string[] = [];
    for (const [id, { topic }] of this.#promised)
      if (group.topics.includes(topic) && !group.deliveries.has(id)) missing.push(id);
    return missing;
  }

  verdicts(): GroupVerdict[] {
    return this.groups.map((group) => {
      const delivered = group.deliveries.size;
      const total = [...group.deliveries.values()].reduce((sum, times) => sum + times, 0);
      const lost = this.missing(group).map((id) => {
        const { at, place } = this.#promised.get(id)!;
        return `${id} of ${new Date(at).toISOString()} at ${place}`;
      });
      return { group: group.name, delivered, duplicates: total - delivered, lost, disorder: group.disorder };
    });
  }

  #counts(kind: SendKind): SendCounts {
    let counts = this.sends.get(kind);
    if (counts === undefined) {
      counts = { acknowledged: 0, failed: new Map(), longestGapMs: 0, lastAt: Date.now() };
      this.sends.set(kind, counts);
    }
    return counts;
  }
}

/** Deliveries to one group, whichever member got them. */
export class GroupLedger {
  /** Message → how many times its handling succeeded. */
  readonly deliveries = new Map<string, number>();
  readonly disorder: string[] = [];
  /** Key → number of its newest message that a handler was given. */
  readonly #newest = new Map<string, number>();

  constructor(
    readonly name: string,
    readonly topics: readonly string[],
    private readonly ledger: Ledger,
  ) {}

  /** A handler was given message `number` of a key. Repetitions of earlier messages are no disorder, skipping one is. */
  given(key: string, number: number): void {
    const newest = this.#newest.get(key) ?? -1;
    if (number > newest + 1) this.disorder.push(`${key}: ${number} after ${newest}`);
    this.#newest.set(key, Math.max(newest, number));
  }

  handled(id: string): void {
    this.deliveries.set(id, (this.deliveries.get(id) ?? 0) + 1);
    if (this.ledger.rolledBack.has(id)) this.ledger.phantoms.push(`${id} in group ${this.name}`);
  }
}
