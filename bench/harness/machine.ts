import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** What was measured on, in words. */
export interface Machine {
  readonly cpu: string;
  readonly memory: string;
  readonly system: string;
  readonly node: string;
  readonly java: string;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: `${processors.length} × ${processors[0]?.model.trim() || 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${distribution()}, Linux ${release()}`,
    node: process.versions.node,
    java: firstMatch(run('java', ['-version']), /version "([^"]+)"/) ?? 'none',
  };
}

/** The last commit that changed what is measured, with `+` when files differ from it. */
export function describeCommit(): string {
  const commit = run('git', ['log', '-1', '--format=%h', '--', 'packages']).trim();
  return commit === '' ? 'unknown' : `${commit}${run('git', ['status', '--porcelain', 'packages']) === '' ? '' : '+'}`;
}

function distribution(): string {
  try {
    return firstMatch(readFileSync('/etc/os-release', 'utf8'), /^PRETTY_NAME="?([^"\n]+)/m) ?? process.platform;
  } catch {
    return process.platform;
  }
}

function run(command: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout + stderr : '';
}

function firstMatch(text: string, pattern: RegExp): string | undefined {
  return pattern.exec(text)?.[1];
}
