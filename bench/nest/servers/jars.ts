import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../../.cache/bench-nest/', import.meta.url));
const projects = fileURLToPath(new URL('../jars/', import.meta.url));

const NEEDED = [
  ['java', '-version', 'openjdk-17-jre-headless'],
  ['mvn', '-version', 'maven'],
] as const;

/** In words; null when jars can be fetched and run. */
export function lacksMaven(): string | null {
  const lacking = NEEDED.find(([command, flag]) => spawnSync(command, [flag], { stdio: 'ignore' }).status !== 0);
  return lacking === undefined ? null : `${lacking[0]} is not installed: apt-get install ${lacking[2]}`;
}

/** The class path of `jars/<name>/pom.xml`; `prepareJars` fetches it. */
export const jarsOf = (name: string): string => join(cache, name, 'lib', '*');

/** @throws {Error} when Maven fails; its output is shown */
export function prepareJars(name: string): void {
  const pom = join(projects, name, 'pom.xml');
  const directory = join(cache, name);
  const stamp = join(directory, 'pom.xml');
  const wanted = readFileSync(pom, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${join(directory, 'lib')}`];
  const { status } = spawnSync('mvn', args, { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`Maven failed with status ${status} for ${pom}; its output is above.`);
  writeFileSync(stamp, wanted);
}
