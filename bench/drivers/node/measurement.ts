import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { build, type Histogram } from 'hdr-histogram-js';
import type { DriverResult, Latency } from '../../harness/driver.js';
import { print, type Words } from './events.js';

const MIN_SIZE = 16;
const LONGEST_US = 5 * 60 * 1e6;

/** A body that no other is like: 4 bytes worker, 4 bytes number, 8 bytes 0, then filling. */
export function createBody(size: number, worker: number, number: number): Buffer {
  const body = Buffer.alloc(Math.max(size, MIN_SIZE), 'x');
  body.writeUInt32BE(worker, 0);
  body.writeUInt32BE(number, 4);
  body.fill(0, 8, MIN_SIZE);
  return body;
}

/** How many messages, and the sum of the CRC-32 of their bodies, modulo 2^32. */
export class TallyCounter {
  count = 0;
  #sum = 0;

  add(body: Buffer): void {
    this.count++;
    this.#sum = (this.#sum + crc32(body)) >>> 0;
  }

  toJSON(): { count: number; sum: number } {
    return { count: this.count, sum: this.#sum };
  }
}

/** One run: warming up, measuring, done. What completes while it measures counts. As dev.rocketnest.bench.Measurement. */
export class Measurement {
  readonly sent = new TallyCounter();
  readonly received = new TallyCounter();
  done = false;
  readonly #latencies: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_US,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  });
  #measuring = false;
  #completed = 0;
  #failures = 0;
  #firstFailure: string | undefined;
  #began = 0;
  #ended = 0;

  /** Waits through warm-up and measurement as the words say. */
  async pass(words: Words): Promise<void> {
    await sleep(words.number('warmup') * 1_000);
    this.begin();
    await sleep(words.number('seconds') * 1_000);
    this.end();
  }

  begin(): void {
    this.#began = performance.now();
    this.#measuring = true;
    print('measuring');
  }

  end(): void {
    this.#measuring = false;
    this.done = true;
    this.#ended = performance.now();
    print('measured');
  }

  /** @param since of performance.now() */
  completed(messages: number, since: number): void {
    if (!this.#measuring) return;
    this.#completed += messages;
    this.#latencies.recordValue(Math.min(LONGEST_US, Math.round((performance.now() - since) * 1_000)));
  }

  failed(error: unknown): void {
    this.#failures++;
    this.#firstFailure ??= String(error);
  }

  report(further: object = {}): void {
    const result: Omit<DriverResult, 'latency'> & { readonly latency: Partial<Latency> } = {
      messages: this.#completed,
      seconds: (this.#ended - this.#began) / 1_000,
      latency: inMillis(this.#latencies),
      sent: this.sent.toJSON(),
      received: this.received.toJSON(),
      failures: this.#failures,
      ...(this.#firstFailure !== undefined && { firstFailure: this.#firstFailure }),
    };
    print('result', { ...result, ...further });
  }
}

/** Nothing of an empty histogram. */
function inMillis(micros: Histogram): Partial<Latency> {
  if (micros.totalCount === 0) return {};
  const at = (percentile: number): number => micros.getValueAtPercentile(percentile) / 1_000;
  return {
    min: micros.minNonZeroValue / 1_000,
    p50: at(50),
    p99: at(99),
    p999: at(99.9),
    max: micros.maxValue / 1_000,
  };
}
