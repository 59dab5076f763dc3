import type { LoggerService } from '@nestjs/common';
import type { ClientInstance, TopicMessageType } from '@rocketnest/client';
import { Admin, ConfigurationError, NoRouteError } from '@rocketnest/client';
import type { CheckTable } from './checks.js';
import { checkOptions, must, show } from './checks.js';

/**
 * What start-up does about a declared topic. `create`: makes it where it is missing, and leaves it as it is where it exists.
 * `verify`: refuses to start without it. `off`: nothing; the declaration documents.
 */
export type EnsureTopics = 'create' | 'verify' | 'off';

/** A topic that the application needs. */
export interface TopicDeclaration {
  readonly name: string;
  /** What its messages are; brokers that check it (`enableTopicMessageTypeCheck`) refuse others. Default: left to the broker. */
  readonly type?: TopicMessageType;
  /** Queues per broker, default 8. */
  readonly queues?: number;
  /** Default: the module's `ensureTopics`. */
  readonly ensure?: EnsureTopics;
}

const TYPES = ['NORMAL', 'DELAY', 'FIFO', 'TRANSACTION', 'MIXED'] as const satisfies readonly TopicMessageType[];
export const ENSURE = ['create', 'verify', 'off'] as const satisfies readonly EnsureTopics[];

const table: CheckTable = {
  name: must.beText,
  type: must.beOneOf(...TYPES),
  queues: must.beInteger(1, 1024),
  ensure: must.beOneOf(...ENSURE),
};

/** Names that a missing topic may have been meant to be. */
const SUGGESTIONS = 3;

/** @throws ConfigurationError naming the path of the bad key */
export function checkTopics(path: string, topics: readonly TopicDeclaration[]): void {
  if (!Array.isArray(topics)) throw new ConfigurationError(`${path} must be a list, got ${show(topics)}.`);
  const seen = new Set<string>();
  topics.forEach((topic, index) => {
    checkOptions(`${path}[${index}]`, topic, table);
    if (topic.name === undefined) throw new ConfigurationError(`${path}[${index}] needs a name.`);
    if (seen.has(topic.name)) throw new ConfigurationError(`${path} has '${topic.name}' twice. Declare it once.`);
    seen.add(topic.name);
  });
}

/** What making sure of topics takes: a started connection. */
export interface TopicsHome {
  readonly instance: ClientInstance;
  readonly logger: LoggerService;
}

/**
 * Creates what is missing, or refuses it. A topic that exists with other settings is never changed: with `create` that is a warning, with
 * `verify` an error.
 * @throws ConfigurationError naming everything that is wrong, and what to do; the client's errors when brokers cannot be asked
 */
export async function ensureTopics(
  home: TopicsHome,
  topics: readonly TopicDeclaration[],
  standard: EnsureTopics,
): Promise<void> {
  const wanted = topics.filter(({ ensure = standard }) => ensure !== 'off');
  if (wanted.length === 0) return;
  const admin = new Admin(home.instance);
  const wrong: string[] = [];
  for (const topic of wanted) {
    const problem = await ensureTopic(admin, home, topic, topic.ensure ?? standard);
    if (problem !== undefined) wrong.push(problem);
  }
  if (wrong.length === 0) return;
  throw new ConfigurationError(
    `${wrong.join(' ')} Create or change them (mqadmin updateTopic), or set ensure: 'create' or 'off'.`,
    { context: { topics: wanted.map(({ name }) => name) } },
  );
}

/** @returns what is wrong with it, in words */
async function ensureTopic(
  admin: Admin,
  { instance, logger }: TopicsHome,
  { name, type, queues }: TopicDeclaration,
  ensure: EnsureTopics,
): Promise<string | undefined> {
  const topic = instance.namespace.wrapTopic(name);
  const found = await settingsOf(admin, topic);
  if (found === undefined) {
    if (ensure === 'verify') return missing(name, topic, await admin.topics.list());
    await requireBroker(admin, name);
    await admin.topics.create({
      topic,
      ...(queues === undefined ? {} : { queues }),
      ...(type === undefined ? {} : { messageType: type }),
    });
    logger.log(`Created topic ${name}${type === undefined ? '' : ` (${type})`}`);
    return undefined;
  }
  const differences = [
    ...(type !== undefined && found.type !== undefined && found.type !== type
      ? [`type ${found.type}, not ${type}`]
      : []),
    ...(queues !== undefined && found.queues !== queues ? [`${found.queues} queues, not ${queues}`] : []),
  ];
  if (differences.length === 0) return undefined;
  const problem = `Topic ${name} has ${differences.join(' and ')}, as declared.`;
  if (ensure === 'verify') return problem;
  logger.warn(`${problem} It is left as it is.`);
  return undefined;
}

/** A cluster that is starting up is to be waited for, so this is no error of configuration. */
async function requireBroker(admin: Admin, name: string): Promise<void> {
  const { brokerAddrTable } = await admin.cluster.info();
  if (Object.keys(brokerAddrTable).length > 0) return;
  throw new NoRouteError(
    `Topic ${name} cannot be created: no broker has registered with the name server. Start one, or set startMode: 'wait'.`,
    { context: { topic: name } },
  );
}

/** Of the first broker that has it; undefined when none has. */
async function settingsOf(
  admin: Admin,
  topic: string,
): Promise<{ readonly queues: number; readonly type: string | undefined } | undefined> {
  try {
    const { items, failures } = await admin.topics.config(topic);
    const [config] = items;
    if (config !== undefined) {
      return { queues: config.writeQueueNums, type: config.attributes?.['message.type'] ?? undefined };
    }
    if (failures.length > 0) throw failures[0]!.error;
    return undefined;
  } catch (error) {
    if (error instanceof NoRouteError) return undefined;
    throw error;
  }
}

function missing(name: string, topic: string, known: readonly string[]): string {
  const near = known
    .filter((other) => !other.startsWith('%') && distance(other.toLowerCase(), topic.toLowerCase()) <= 3)
    .slice(0, SUGGESTIONS);
  return `Topic ${name} does not exist${near.length === 0 ? '' : ` (there is ${near.join(', ')})`}.`;
}

/** How many letters differ (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
