import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: this process's. */
  readonly cwd?: string;
}

/**
 * The same command as a process that does not outlive this one, even when the test runner is killed: a watcher beside it
 * sees their common standard input end. The pid is the command's own. For commands that do not read their input.
 */
export function leashed({ command, args, env }: CommandLine): CommandLine {
  const script = 'exec 3<&0; { cat <&3; kill -9 $$; } >/dev/null 2>&1 & exec "$0" "$@" 3<&-';
  return { command: 'sh', args: ['-c', script, command, ...args], ...(env && { env }) };
}

/** A child process that is read line by line, ended by its pid and waited for. */
export class Child {
  /** Lines of standard output so far. */
  readonly lines: string[] = [];
  /** Settles when the process is gone: `code 0`, `signal SIGTERM`, or the reason it never ran. */
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;
  readonly #listeners: ((line: string) => void)[] = [];
  #tail: string[] = [];
  #exit: string | null = null;

  constructor(
    readonly name: string,
    { command, args, env, cwd }: CommandLine,
    /** How many of the last lines of output errors show. */
    private readonly tailLines = 40,
  ) {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd && { cwd }),
    });
    this.#process = child;
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.lines.push(line);
      this.#remember(line);
      for (const listener of this.#listeners) listener(line);
    });
    createInterface({ input: child.stderr! }).on('line', (line) => this.#remember(line));
    child.stdin!.on('error', () => {}); // the process may end before it read everything; its exit says so
    this.exited = new Promise((resolve) => {
      const gone = (reason: string) => {
        this.#exit = reason;
        resolve(reason);
      };
      child.on('error', (error) => gone(`could not be started: ${error.message}`));
      child.on('close', (code, signal) => gone(signal === null ? `code ${code}` : `signal ${signal}`));
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** How the process ended; null while it runs. */
  get exit(): string | null {
    return this.#exit;
  }

  onLine(listener: (line: string) => void): void {
    for (const line of this.lines) listener(line);
    this.#listeners.push(listener);
  }

  write(text: string): void {
    this.#process.stdin!.write(text);
  }

  endInput(): void {
    this.#process.stdin!.end();
  }

  /** The promise's value, unless the process ends first or the deadline passes: then an error with its last output. */
  async race<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.error(`no ${what} within ${timeoutMs} ms`)), timeoutMs);
    });
    const gone = this.exited.then((exit) => {
      throw this.error(`ended with ${exit} before ${what}`);
    });
    gone.catch(() => {}); // only heard while the race is on
    try {
      return await Promise.race([promise, gone, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for the end and returns how it ended; after the deadline the process is killed and the call rejects. */
  async waitForExit(timeoutMs: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, null);
    });
    const exit = await Promise.race([this.exited, late]);
    clearTimeout(timer);
    if (exit !== null) return exit;
    await this.kill();
    throw this.error(`was still running after ${timeoutMs} ms and was killed`);
  }

  /** SIGTERM, then waits. */
  async stop(timeoutMs: number): Promise<string> {
    this.#process.kill('SIGTERM');
    return await this.waitForExit(timeoutMs);
  }

  /** SIGKILL (kill -9), then waits. */
  async kill(): Promise<string> {
    this.#process.kill('SIGKILL');
    return await this.exited;
  }

  error(message: string): Error {
    return new Error([`${this.name} (pid ${this.pid}) ${message}. Its last output:`, ...this.#tail].join('\n  '));
  }

  #remember(line: string): void {
    this.#tail.push(line);
    if (this.#tail.length > this.tailLines) this.#tail = this.#tail.slice(-this.tailLines);
  }
}
