import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classPath } from '../../scripts/apache.mjs';
import { Child, type CommandLine } from './child.js';

/** How the JVM compiles and collects. `quickStart`: the time to start counts, peak speed does not. */
export const jvmFlags = { quickStart: ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'], defaults: [] } as const;
export type JvmMode = keyof typeof jvmFlags;

/** A JVM, by default on our class path, that keeps what Java code puts into the home directory, such as logs, with the run. */
export function javaCommand(
  home: string,
  args: readonly string[],
  mode: JvmMode = 'quickStart',
  jars: string = classPath,
): CommandLine {
  return { command: 'java', args: [...jvmFlags[mode], `-Duser.home=${home}`, '-cp', jars, ...args] };
}

/** One JVM that runs one main class, with a home directory of its own. Ended, if it still runs, when disposed. */
export class Jvm implements AsyncDisposable {
  private constructor(
    readonly child: Child,
    private readonly home: string,
  ) {}

  static async start(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    mode: JvmMode = 'quickStart',
    jars: string = classPath,
  ): Promise<Jvm> {
    const home = await mkdtemp(join(tmpdir(), 'rocketnest-java-'));
    return new Jvm(new Child(name, { ...javaCommand(home, ['-Xmx256m', ...args], mode, jars), env }), home);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exit === null) await this.child.kill();
    await rm(this.home, { recursive: true, force: true });
  }
}
