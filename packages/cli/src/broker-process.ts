import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { BrokerOptionValues } from '@rocketnest/broker';
import type { Logger } from '@rocketnest/remoting';
import type { ChildReport, ChildSettings } from './broker-child.js';
import type { LogLevel } from './logger.js';
import type { RegisteredBroker } from './registered.js';
import type { Service } from './serve.js';

const CHILD = fileURLToPath(new URL('./broker-child.js', import.meta.url));
/** Before a broker that ended by itself is started again: time for a supervisor's eyes, and not to do it all the time. */
const RESTART_PAUSE_MS = 1_000;

/**
 * A broker in a process of its own, so that it has a core of its own. One that ends although nobody asked it to is started again, at the
 * same address; the first start is not tried again.
 */
export class BrokerProcess implements Service {
  #child: ChildProcess | undefined;
  #registration: RegisteredBroker | undefined;
  readonly #closing = new AbortController();

  constructor(
    readonly options: BrokerOptionValues,
    private readonly logger: Logger,
    private readonly logLevel: LogLevel,
  ) {}

  /** @throws when it has not started. */
  get registration(): RegisteredBroker {
    if (this.#registration === undefined) throw new Error(`broker ${this.options.brokerName} has not started`);
    return this.#registration;
  }

  /** Rejects with what keeps the broker from starting. */
  async start(): Promise<void> {
    const settings: ChildSettings = { options: this.#optionsNow(), logLevel: this.logLevel };
    const child = fork(CHILD, [JSON.stringify(settings)]);
    this.#child = child;
    const report = await Promise.race([
      once(child, 'message').then(([message]) => message as ChildReport),
      once(child, 'exit').then(([code, signal]) => ({ error: `its process ended with ${signal ?? `code ${code}`}` })),
    ]);
    if ('error' in report) throw new Error(`broker ${this.options.brokerName}: ${report.error}`);
    this.#registration = report;
    child.once('exit', (code, signal) => this.#onExit(code, signal));
  }

  /** Ends the process after its broker has been closed. */
  async close(): Promise<void> {
    this.#closing.abort();
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }

  /** With the port that it got, when it may have had any: clients know it. */
  #optionsNow(): BrokerOptionValues {
    if (this.#registration === undefined) return this.options;
    const { address } = this.#registration;
    return { ...this.options, listenPort: Number(address.slice(address.lastIndexOf(':') + 1)) };
  }

  #onExit(code: number | null, signal: string | null): void {
    if (this.#closing.signal.aborted) return;
    const { brokerName } = this.options;
    this.logger.error(`broker ${brokerName} ended with ${signal ?? `code ${code}`} and is started again`);
    void this.#startAgain();
  }

  async #startAgain(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await delay(RESTART_PAUSE_MS, undefined, { signal: this.#closing.signal });
        return await this.start();
      } catch (error) {
        if (!this.#closing.signal.aborted) this.logger.error((error as Error).message);
      }
    }
  }
}
