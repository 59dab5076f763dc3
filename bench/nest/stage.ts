import { Child, type CommandLine } from '../../test/support/child.js';
import type { Run } from '../harness/scenario.js';
import type { Emitted, Flow, Paced } from './apps/load.js';
import type { HandlerCommand, ProducerCommand } from './apps/main.js';
import type { Expected, Handled } from './apps/tally.js';
import { appsOf } from './installs.js';
import type { NestPeer } from './peers.js';
import { treeCpuSeconds, treeResidentMiB } from './process-tree.js';
import type { Server } from './servers/server.js';

/** JSON of an event, about. */
export const EVENT_BYTES = 256;

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
/** On top of what a command is told to take. */
const GRACE_MS = 300_000;
/** Without progress for so long, an event that is missing is lost: longer than any peer takes to deliver one again. */
const LOST_AFTER_MS = 30_000;
/** The same where nothing is ever delivered again. */
const LOST_AFTER_MS_UNSTORED = 2_000;

/** A process of apps/main.ts. It answers commands one at a time. */
class App<C extends object> {
  readonly #answers: ((line: string) => void)[] = [];

  private constructor(private readonly child: Child) {
    child.onLine((line) => {
      if (line.startsWith('{')) this.#answers.shift()?.(line);
    });
  }

  static async start<C extends object>(name: string, command: CommandLine): Promise<App<C>> {
    const app = new App<C>(new Child(name, command));
    await app.#answer(START_TIMEOUT_MS, 'ready');
    return app;
  }

  async ask<R>(command: C, seconds = 0): Promise<R> {
    const answer = this.#answer(seconds * 1_000 + GRACE_MS, JSON.stringify(command));
    this.child.write(`${JSON.stringify(command)}\n`);
    return JSON.parse(await answer) as R;
  }

  /** Closes the application, as SIGTERM would. */
  async stop(): Promise<void> {
    if (this.child.exit !== null) return;
    this.child.endInput();
    await this.child.waitForExit(STOP_TIMEOUT_MS);
  }

  async kill(): Promise<void> {
    if (this.child.exit === null) await this.child.kill();
  }

  #answer(timeoutMs: number, what: string): Promise<string> {
    return this.child.race(new Promise((resolve) => this.#answers.push(resolve)), timeoutMs, `answer to ${what}`);
  }
}

/** What a phase gave: emitted, handled and checked. */
export interface Phase {
  readonly emitted: Emitted;
  readonly handled: Handled;
  readonly lost: number;
  /** That the server's processes used meanwhile. */
  readonly serverCpuSeconds: number;
}

/** A peer's server, started fresh for one run, and its handler and producer, each a process. Disposal ends them all. */
export class Stage implements AsyncDisposable {
  #handler: App<HandlerCommand> | undefined;
  #producer: App<ProducerCommand> | undefined;
  /** Id of the next event. */
  #next = 0;

  private constructor(
    private readonly peer: NestPeer,
    private readonly server: Server,
    private readonly run: Run,
  ) {}

  static async open(peer: NestPeer, run: Run): Promise<Stage> {
    run.step('starting its server');
    return new Stage(peer, await peer.server.start(), run);
  }

  /** Starts the handler, which takes part from now on. @param expected which events count: all from now on */
  async startHandler(warmup = 0): Promise<void> {
    const expected: Expected = { from: this.#next, warmup };
    this.#handler = await App.start(`${this.peer.name} handler`, this.#command('handle', expected));
  }

  async stopHandler(): Promise<void> {
    await this.#handler?.stop();
    this.#handler = undefined;
  }

  async startProducer(): Promise<void> {
    this.#producer = await App.start(`${this.peer.name} producer`, this.#command('produce'));
  }

  /** Emits with `window` unacknowledged events, and waits until all are handled. */
  async flow(what: string, flow: Omit<Flow, 'from'>): Promise<Phase> {
    return this.#phase(what, (from) => this.#ask({ do: 'flow', flow: { ...flow, from } }, flow.seconds));
  }

  /** Emits so many a second, and waits until all are handled. */
  async paced(what: string, paced: Omit<Paced, 'from'>): Promise<Phase> {
    return this.#phase(what, (from) => this.#ask({ do: 'paced', paced: { ...paced, from } }, paced.seconds));
  }

  /** Emits events that no handler waits for. */
  async fill(count: number, window: number): Promise<Emitted> {
    this.run.step(`storing ${count} events`);
    return this.#ask({ do: 'flow', flow: { from: this.#next, count, window } });
  }

  /** Starts the handler and waits until it has handled what was stored. */
  async drain(emitted: Emitted, warmup: number): Promise<Pick<Phase, 'handled' | 'serverCpuSeconds'>> {
    this.run.step('draining');
    const before = treeCpuSeconds(this.server.pids);
    await this.startHandler(warmup);
    const handled = await this.#finish(emitted);
    return { handled, serverCpuSeconds: treeCpuSeconds(this.server.pids) - before };
  }

  get serverResidentMiB(): number {
    return treeResidentMiB(this.server.pids);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#handler?.stop(), this.#producer?.stop()]).finally(async () => {
      await Promise.all([this.#handler?.kill(), this.#producer?.kill()]);
      await this.server.stop();
    });
  }

  async #phase(what: string, emit: (from: number) => Promise<Emitted>): Promise<Phase> {
    this.run.step(what);
    await this.#handler!.ask({ do: 'expect', expected: { from: this.#next, warmup: 0 } });
    const before = treeCpuSeconds(this.server.pids);
    const emitted = await emit(this.#next);
    this.#next += emitted.count;
    const handled = await this.#finish(emitted);
    const serverCpuSeconds = treeCpuSeconds(this.server.pids) - before;
    return { emitted, handled, lost: emitted.count - handled.count, serverCpuSeconds };
  }

  /** @throws {Error} when an event is missing though its transport promises to deliver it, or is not what was sent */
  async #finish({ count, checksum }: Emitted): Promise<Handled> {
    const quietMs = this.peer.stores ? LOST_AFTER_MS : LOST_AFTER_MS_UNSTORED;
    const handled = await this.#handler!.ask<Handled>({ do: 'finish', count, quietMs });
    if (handled.damaged > 0) throw new Error(`${handled.damaged} of ${count} events arrived with another text`);
    if (!this.peer.stores) return handled;
    if (handled.count !== count) throw new Error(`${count} events emitted, ${handled.count} handled`);
    if (handled.checksum !== checksum) throw new Error(`${count} events handled, but not those that were emitted`);
    return handled;
  }

  #ask(command: ProducerCommand, seconds = 0): Promise<Emitted> {
    return this.#producer!.ask<Emitted>(command, seconds);
  }

  #command(role: 'handle' | 'produce', ...rest: readonly object[]): CommandLine {
    const { app, emitter = app } = this.peer;
    const words = [
      role === 'produce' ? emitter : app,
      String(EVENT_BYTES),
      ...[this.server.settings, ...rest].map((value) => JSON.stringify(value)),
    ];
    const command = {
      command: process.execPath,
      args: [...profileArgs(`${this.peer.name}-${role}`), `${appsOf(this.peer.install)}/main.js`, role, ...words],
    };
    return this.server.inside?.(command) ?? command;
  }
}

/** `BENCH_NEST_PROFILE=DIR` has the applications write CPU profiles there; see profile.ts. */
function profileArgs(name: string): string[] {
  const directory = process.env['BENCH_NEST_PROFILE'];
  if (directory === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`];
}
