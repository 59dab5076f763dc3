import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, join, sep } from 'node:path';
import { classPath, suiteSources } from '../../scripts/apache.mjs';
import { Jvm } from './jvm.js';
import { CLUSTER_NAME, Servers, type Target } from './servers.js';
import { isSuiteProfile, type SuiteProfile, suiteProfiles } from './suite-profiles.js';

const RUN_TIMEOUT_MS = 600_000;
/** Of one profile: so many more workers for so many more classes. */
const CLASSES_PER_WORKER = 10;
const RUNNER = 'dev.rocketnest.suite.support.SuiteRunner';

/** One JUnit test (of a dynamic test: one of them) on one target. */
export interface SuiteResult {
  /** `Class.method`, and of a dynamic test its name: `Class.method: name`. */
  readonly test: string;
  /** Of its `@Feature`; null without one. */
  readonly area: string | null;
  readonly feature: string | null;
  /** `refused`: passed, since a server said that it does not support what was asked. */
  readonly outcome: 'passed' | 'refused' | 'failed' | 'skipped';
  /** Stack trace or reason to skip. */
  readonly message: string | null;
  readonly ms: number;
}

export interface SuiteRun {
  readonly results: readonly SuiteResult[];
  /** All commands that mqadmin knows. */
  readonly commands: readonly string[];
}

export interface SuiteOptions {
  /** Simple class names. Default: all. */
  readonly classes?: readonly string[];
  /** Only methods with this text in their name. */
  readonly method?: string;
  /** Try failed tests again; the last outcome counts. */
  readonly retry?: boolean;
  readonly onResult?: (result: SuiteResult, firstTry: boolean) => void;
}

interface TestClass {
  readonly file: string;
  readonly name: string;
  /** With its package. */
  readonly className: string;
  readonly profile: SuiteProfile;
}

/**
 * Compiles the wanted test classes and runs them against a target's servers. Tests wait most of the time, so several workers, each
 * a JVM with servers of its own, take one class after the other. With `retry` a test that failed twice in its worker has a last
 * try, with its class, on new servers: what other classes left behind is not what is tested.
 */
export async function runSuite(target: Target, options: SuiteOptions = {}): Promise<SuiteRun> {
  const classes = testClasses(options.classes);
  const directory = mkdtempSync(join(tmpdir(), 'rocketnest-suite-'));
  try {
    compile(
      classes.map(({ file }) => file),
      directory,
    );
    const run = await runClasses(target, classes, directory, options);
    if (options.retry === true)
      await retryFailed(run, (again) => runClasses(target, again, directory, options), classes);
    return { results: [...run.results.values()], commands: run.commands };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs the classes with failures; what failed is replaced by what it was this time. */
async function retryFailed(
  { results }: ClassesRun,
  runAgain: (classes: readonly TestClass[]) => Promise<ClassesRun>,
  classes: readonly TestClass[],
): Promise<void> {
  const failed = [...results.values()].filter(({ outcome }) => outcome === 'failed').map(({ test }) => test);
  // A failure of a whole class is named like the class.
  const again = classes.filter(({ name }) => failed.some((test) => test === name || test.startsWith(`${name}.`)));
  if (again.length === 0) return;
  const second = await runAgain(again);
  for (const test of failed) results.delete(test);
  for (const [test, result] of second.results) if (!results.has(test)) results.set(test, result);
}

interface ClassesRun {
  /** By test. */
  readonly results: Map<string, SuiteResult>;
  readonly commands: readonly string[];
}

async function runClasses(
  target: Target,
  classes: readonly TestClass[],
  directory: string,
  options: SuiteOptions,
): Promise<ClassesRun> {
  const results = new Map<string, SuiteResult>();
  let commands: readonly string[] = [];
  const running = [...new Set(classes.map(({ profile }) => profile))].flatMap((profile) => {
    const waiting = classes.filter((testClass) => testClass.profile === profile).map(({ className }) => className);
    const workers = Math.ceil(waiting.length / CLASSES_PER_WORKER);
    return Array.from({ length: workers }, async () => {
      commands = await runWorker(target, { profile, waiting, directory }, options, results);
    });
  });
  const broken = (await Promise.allSettled(running)).find(({ status }) => status === 'rejected');
  if (broken !== undefined) throw (broken as PromiseRejectedResult).reason;
  return { results, commands };
}

/** @throws Error naming a class that does not exist, or a profile that is no row of the table */
function testClasses(wanted: readonly string[] | undefined): TestClass[] {
  const files = readdirSync(suiteSources, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('Test.java'),
  );
  const classes = files.sort().map((path) => {
    const name = basename(path, '.java');
    const file = join(suiteSources, path);
    const className = path.slice(0, -'.java'.length).replaceAll(sep, '.');
    return { file, name, className, profile: profileOf(name, readFileSync(file, 'utf8')) };
  });
  const tests = classes.filter(({ name }) => name !== 'SuiteTest');
  if (wanted === undefined) return tests;
  for (const name of wanted) {
    if (tests.some((testClass) => testClass.name === name)) continue;
    throw new Error(`no test class ${name}; there are ${tests.map((testClass) => testClass.name).join(', ')}`);
  }
  return tests.filter(({ name }) => wanted.includes(name));
}

function profileOf(name: string, source: string): SuiteProfile {
  const profile = /^@Profile\("([^"]*)"\)/m.exec(source)?.[1] ?? 'default';
  if (isSuiteProfile(profile)) return profile;
  const known = Object.keys(suiteProfiles).join(', ');
  throw new Error(
    `${name} needs the servers of profile '${profile}', which suite-profiles.ts does not have (${known})`,
  );
}

function compile(files: readonly string[], directory: string): void {
  const args = [
    '-nowarn',
    '--release',
    '11',
    '-encoding',
    'UTF-8',
    '-d',
    directory,
    '-cp',
    classPath,
    '-sourcepath',
    suiteSources,
  ];
  const runner = join(suiteSources, `${RUNNER.replaceAll('.', '/')}.java`);
  const { status, stdout, stderr } = spawnSync('javac', [...args, runner, ...files], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`javac refused the suite:\n${stdout}${stderr}`);
}

interface Work {
  readonly profile: SuiteProfile;
  /** Names of classes that no worker has taken yet. */
  readonly waiting: string[];
  /** Where the classes are. */
  readonly directory: string;
}

async function runWorker(
  target: Target,
  { profile, waiting, directory }: Work,
  { method = '', retry = false, onResult }: SuiteOptions,
  results: Map<string, SuiteResult>,
): Promise<readonly string[]> {
  await using servers = await Servers.start(target, suiteProfiles[profile]);
  const properties = {
    'suite.method': method,
    'suite.retry': retry,
    'suite.cluster': JSON.stringify({
      name: CLUSTER_NAME,
      namesrvs: servers.namesrvs.map(({ address }) => address),
      brokers: servers.brokers.map(({ name, address, storeDir }) => ({ name, address, storeDir })),
    }),
    'rocketmq.client.rebalance.waitInterval': 1_000, // the defaults of 20 s and 1 s make tests wait for their queues
    'rocketmq.client.rebalance.minInterval': 100,
  };
  const args = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
  await using jvm = await Jvm.start(`suite on ${target}`, [
    ...args,
    '-cp', // the last one counts
    [directory, classPath].join(delimiter),
    RUNNER,
  ]);

  let commands: readonly string[] = [];
  const ended = new Promise<void>((resolve) => {
    jvm.child.onLine((line) => {
      if (!line.startsWith('{"')) return;
      const event = JSON.parse(line);
      if (event.event === 'ask') {
        void answerTo(event, servers, waiting).then((answer) => jvm.child.write(`${answer}\n`));
      } else if (event.event === 'commands') commands = event.names;
      else if (event.event === 'result') {
        const result = toResult(event);
        results.set(result.test, result);
        onResult?.(result, event.firstTry);
      } else if (event.event === 'end') resolve();
    });
  });
  await jvm.child.race(ended, RUN_TIMEOUT_MS, 'end of the suite'); // not a race with the brokers: tests end and restart them
  await jvm.child.exited;
  return commands;
}

interface Question {
  readonly action: string;
  readonly broker: number;
}

/** What the runner and its tests may ask for. The answer is one line. */
async function answerTo({ action, broker }: Question, servers: Servers, waiting: string[]): Promise<string> {
  if (action === 'next') return waiting.shift() ?? '';
  try {
    if (action === 'restart') await servers.stopBroker(broker);
    else if (action === 'killAndRestart') await servers.brokers[broker]!.child.kill();
    else return `unknown action ${action}`;
    await servers.restartBroker(broker);
    return 'done';
  } catch (error) {
    return String(error).replaceAll('\n', ' | ');
  }
}

function toResult(event: Readonly<Record<string, string | null>> & { readonly ms: number }): SuiteResult {
  const { class: name, method, display, area, feature, outcome, message, ms } = event;
  const test = `${name}${method ? `.${method}` : ''}${display ? `: ${display}` : ''}`;
  return {
    test,
    area: area ?? null,
    feature: feature || (display ?? null),
    outcome: outcome as SuiteResult['outcome'],
    message: message ?? null,
    ms,
  };
}
