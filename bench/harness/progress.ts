import { MultiBar, type SingleBar } from 'cli-progress';

/** What is running, on a terminal as a bar at the bottom, elsewhere (CI, a file) as lines. */
export class Progress {
  readonly #bars: MultiBar | undefined;
  readonly #bar: SingleBar | undefined;
  #label = '';
  #startedAt = 0;

  /** @param runs how many runs there will be */
  constructor(
    private readonly runs: number,
    private readonly output: NodeJS.WriteStream = process.stdout,
  ) {
    if (!output.isTTY) return;
    this.#bars = new MultiBar({
      format: '{bar} {value}/{total} runs, about {eta_formatted} left · {label}',
      stream: output,
      // Ctrl-C ends the benchmark, not only the bar.
      gracefulExit: false,
      etaBuffer: 20,
    });
    this.#bar = this.#bars.create(runs, 0, { label: '' });
  }

  /** A run begins. */
  run(label: string): void {
    this.#label = label;
    this.#startedAt = performance.now();
    this.#bar?.update({ label });
    if (this.#bar === undefined) this.output.write(`${label} ...`);
  }

  step(what: string): void {
    if (this.#bar !== undefined) this.#bar.update({ label: `${this.#label}: ${what}` });
    else this.output.write(` ${what} ...`);
  }

  /** The run is over; `summary` says what it gave. */
  done(summary: string): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(0);
    if (this.#bar === undefined) this.output.write(` ${summary} (${seconds} s)\n`);
    else {
      this.#bar.increment();
      this.log(`${this.#label}: ${summary} (${seconds} s)`);
    }
  }

  /** Text that stays. */
  log(text: string): void {
    if (this.#bars === undefined) this.output.write(`${text}\n`);
    else {
      this.#bars.log(`${text}\n`);
      this.#bars.update(); // at the next it would be lost if the last run is over
    }
  }

  /** A run that was there already. */
  kept(): void {
    this.#bar?.increment();
  }

  stop(): void {
    this.#bars?.stop();
    if (this.#bars === undefined && this.runs > 0) this.output.write('\n');
  }
}
