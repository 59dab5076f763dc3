import { setTimeout as sleep } from 'node:timers/promises';
import { type Emitter, mixed, now, percentile } from './app.js';

/** What a producer process did in one phase; times in ms of `now()`. */
export interface Emitted {
  readonly count: number;
  /** As in `Handled`. */
  readonly checksum: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** From emit to the server's acknowledgement. */
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  readonly cpuSeconds: number;
  readonly residentMiB: number;
}

/** `window` events unacknowledged at most, for so long or so many. */
export interface Flow {
  readonly from: number;
  readonly window: number;
  readonly seconds?: number;
  readonly count?: number;
}

/** So many a second, whether acknowledged or not. */
export interface Paced {
  readonly from: number;
  readonly rate: number;
  readonly seconds: number;
}

/** Emits the events of one phase and says what it did. */
export class Load {
  #count = 0;
  #checksum = 0;
  readonly #acks: number[] = [];

  constructor(
    private readonly emitter: Emitter,
    private readonly text: string,
  ) {}

  async flow({
    from,
    window,
    seconds = Number.POSITIVE_INFINITY,
    count = Number.POSITIVE_INFINITY,
  }: Flow): Promise<Emitted> {
    const until = now() + seconds * 1_000;
    const emitAll = async (): Promise<void> => {
      while (this.#count < count && now() < until) {
        const id = from + this.#count++;
        // A client that resolves at once would never let the sockets have their turn.
        if (id % window === 0) await new Promise(setImmediate);
        await this.#emit(id);
      }
    };
    return this.#measured(() => Promise.all(Array.from({ length: window }, emitAll)));
  }

  async paced({ from, rate, seconds }: Paced): Promise<Emitted> {
    return this.#measured(async (startedAt) => {
      const open: Promise<void>[] = [];
      const total = Math.round(rate * seconds);
      while (this.#count < total) {
        const due = Math.min(total, Math.floor(((now() - startedAt) * rate) / 1_000));
        while (this.#count < due) open.push(this.#emit(from + this.#count++));
        await sleep(1);
      }
      await Promise.all(open);
    });
  }

  async #emit(id: number): Promise<void> {
    const at = now();
    this.#checksum = (this.#checksum + mixed(id)) >>> 0;
    await this.emitter.emit({ id, at, text: this.text });
    this.#acks.push(now() - at);
  }

  async #measured(run: (startedAt: number) => Promise<unknown>): Promise<Emitted> {
    const cpu = process.cpuUsage();
    const startedAt = now();
    await run(startedAt);
    const endedAt = now();
    const { user, system } = process.cpuUsage(cpu);
    const acks = Float64Array.from(this.#acks).sort();
    return {
      count: this.#count,
      checksum: this.#checksum,
      startedAt,
      endedAt,
      ackP50Ms: percentile(acks, 0.5),
      ackP99Ms: percentile(acks, 0.99),
      cpuSeconds: (user + system) / 1e6,
      residentMiB: process.memoryUsage.rss() / 2 ** 20,
    };
  }
}
