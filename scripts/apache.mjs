// Apache RocketMQ's own jars, JUnit and our Java driver, fetched and compiled by Maven once and kept in .cache/.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const project = join(root, 'test', 'interop', 'java');
const project4 = join(root, 'test', 'interop', 'apache-4.9');
const springProject = join(root, 'test', 'interop', 'spring');

export const APACHE_VERSION = '5.5.0';
/** The last 4.x whose broker Maven Central has: of 4.9.8 there is a client only. */
export const APACHE_4_VERSION = '4.9.7';
export const SPRING_VERSION = '2.3.5';

const cacheOf = (version, product = 'apache-rocketmq') => join(root, '.cache', `${product}-${version}`);
const jarsOf = (version) => join(cacheOf(version), 'lib', '*');

/** Class path with the official servers, client, tools, examples and the compiled driver. */
export const classPath = [join(project, 'target', 'classes'), jarsOf(APACHE_VERSION)].join(delimiter);

/** Class path with the servers of 4.9. */
export const classPath4 = jarsOf(APACHE_4_VERSION);

/** Class path with rocketmq-spring, Spring Boot and our application. */
export const springClassPath = [
  join(springProject, 'target', 'classes'),
  join(cacheOf(SPRING_VERSION, 'rocketmq-spring'), 'lib', '*'),
].join(delimiter);

/** Sources of the JUnit suite. */
export const suiteSources = join(project, 'src', 'test', 'java');

const NEEDED = [
  { command: 'java', args: ['-version'], what: 'a JDK, 11 or newer (Debian: apt-get install openjdk-17-jdk-headless)' },
  {
    command: 'javac',
    args: ['-version'],
    what: 'a JDK, not only a JRE (Debian: apt-get install openjdk-17-jdk-headless)',
  },
  { command: 'mvn', args: ['-version'], what: 'Apache Maven (Debian: apt-get install maven)' },
];

/**
 * Makes `classPath` usable. Does nothing when the jars and classes of this pom and these sources are there already.
 * @throws {Error} naming the missing program, or when Maven fails (its output is shown).
 */
export function prepareApache() {
  const inputs = [join(project, 'pom.xml'), ...sources(join(project, 'src', 'main'))];
  const classes = join(project, 'target', 'classes');
  prepare({ version: APACHE_VERSION, project, inputs, goals: ['compile'], outputs: [classes] });
}

/** Makes `classPath4` usable, as prepareApache does with `classPath`. */
export function prepareApache4() {
  prepare({
    version: APACHE_4_VERSION,
    project: project4,
    inputs: [join(project4, 'pom.xml')],
    goals: [],
    outputs: [],
  });
}

/** Makes `springClassPath` usable, as prepareApache does with `classPath`. */
export function prepareSpring() {
  prepare({
    product: 'rocketmq-spring',
    version: SPRING_VERSION,
    project: springProject,
    inputs: [join(springProject, 'pom.xml'), ...sources(join(springProject, 'src', 'main'))],
    goals: ['compile'],
    outputs: [join(springProject, 'target', 'classes')],
  });
}

function prepare({ product = 'apache-rocketmq', version, project, inputs, goals, outputs }) {
  for (const { command, args, what } of NEEDED) {
    if (spawnSync(command, args, { stdio: 'ignore' }).status !== 0) {
      throw new Error(
        `'${command}' could not be run. The interop tests drive the official Java client: install ${what}.`,
      );
    }
  }
  const stamp = join(cacheOf(version, product), 'prepared');
  const wanted = fingerprint(inputs);
  if (existsSync(stamp) && outputs.every(existsSync) && readFileSync(stamp, 'utf8') === wanted) return;

  rmSync(stamp, { force: true });
  console.log(
    `Fetching ${product} ${version}${goals.includes('compile') ? ' and compiling the Java code' : ''} (Maven) ...`,
  );
  const all = [...goals, 'dependency:copy-dependencies', `-DoutputDirectory=${join(cacheOf(version, product), 'lib')}`];
  const { status } = spawnSync('mvn', ['-q', '-B', ...all], { cwd: project, stdio: 'inherit' });
  if (status !== 0) throw new Error(`Maven failed with status ${status} in ${project}; its output is above.`);
  writeFileSync(stamp, wanted);
}

function sources(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}

function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}
