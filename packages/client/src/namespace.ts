import {
  DLQ_GROUP_PREFIX,
  isSystemTopic,
  type Message,
  RETRY_GROUP_PREFIX,
  RocketMQError,
  SYSTEM_GROUP_PREFIX,
} from '@rocketnest/protocol';
import type { MessageQueue } from './message-queue.js';

/** Between a namespace and a name. Java: NamespaceUtil.NAMESPACE_SEPARATOR. */
const SEPARATOR = '%';
/** A host that begins with an instance id, as clouds give it out: "http://MQ_INST_1_b.region.example.com:80". Java: NameServerAddressUtils.INST_ENDPOINT_PATTERN. */
const INSTANCE_ENDPOINT = /^(?:\w+:\/\/)?(MQ_INST_\w+_\w+)\./;

/** The instance id in a name server address, which is then the namespace. Java: NameServerAddressUtils.parseInstanceIdFromEndpoint. */
export function instanceIdOf(namesrvAddr: string | undefined): string | undefined {
  return INSTANCE_ENDPOINT.exec(namesrvAddr ?? '')?.[1];
}

/**
 * Names as users write them ("orders") and as brokers know them ("tenant%orders"). Components wrap what comes in at their public
 * border and unwrap what goes out: results, handlers, errors. Without a namespace every function returns what it gets. Wrapping twice
 * is wrapping once. Java: NamespaceUtil, ClientConfig.withNamespace.
 */
export class Namespace {
  /** Empty when there is none. */
  readonly name: string;
  private readonly prefix: string;

  constructor(name = '') {
    this.name = name;
    this.prefix = name + SEPARATOR;
  }

  /** Whether names differ inside and outside. */
  get active(): boolean {
    return this.name !== '';
  }

  /** `orders` → `ns%orders`, `%RETRY%group` → `%RETRY%ns%group`; topics of the system stay. */
  wrapTopic(topic: string): string {
    return this.name === '' ? topic : this.wrap(topic);
  }

  /** The inverse of {@link wrapTopic}; names of other namespaces stay. */
  unwrapTopic(topic: string): string {
    return this.name === '' ? topic : this.unwrap(topic);
  }

  /** `group` → `ns%group`; groups of the system (`CID_RMQ_SYS_…`) stay. */
  wrapGroup(group: string): string {
    return this.wrapTopic(group);
  }

  /** The inverse of {@link wrapGroup}. */
  unwrapGroup(group: string): string {
    return this.unwrapTopic(group);
  }

  wrapQueue<Q extends MessageQueue>(queue: Q): Q {
    return this.name === '' ? queue : { ...queue, topic: this.wrap(queue.topic) };
  }

  unwrapQueue<Q extends MessageQueue>(queue: Q): Q {
    return this.name === '' ? queue : { ...queue, topic: this.unwrap(queue.topic) };
  }

  unwrapQueues<Q extends MessageQueue>(queues: readonly Q[]): readonly Q[] {
    return this.name === '' ? queues : queues.map((queue) => this.unwrapQueue(queue));
  }

  /** Changes the topic of a message to the user's name of it, as Java does before a listener sees it. */
  unwrapMessage(message: Message): void {
    if (this.name !== '') message.topic = this.unwrap(message.topic);
  }

  /** The promise, with {@link explain} for what it rejects with. */
  explained<T>(work: Promise<T>): Promise<T> {
    if (!this.active) return work;
    return work.catch((error: unknown) => {
      throw this.explain(error);
    });
  }

  /** An error of what is inside, with the user's names in its message and context; others stay as they are. */
  explain(error: unknown): unknown {
    if (!this.active || !(error instanceof RocketMQError)) return error;
    const note = ` (in namespace ${this.name}: on the brokers the name begins with ${this.prefix})`;
    if (error.message.includes(this.prefix) && !error.message.endsWith(note))
      error.message = error.message.replaceAll(this.prefix, '') + note;
    const context = Object.entries(error.context).map(([key, value]) => [key, this.unwrapValue(value)]);
    Object.defineProperty(error, 'context', { value: Object.freeze(Object.fromEntries(context)), enumerable: true });
    return error;
  }

  private unwrapValue(value: unknown): unknown {
    if (typeof value === 'string') return this.unwrap(value);
    if (typeof value !== 'object' || value === null || !('topic' in value)) return value;
    return typeof value.topic === 'string' ? { ...value, topic: this.unwrap(value.topic) } : value;
  }

  private wrap(name: string): string {
    const { kind, rest } = split(name);
    const stays = name === '' || isSystem(name) || rest.startsWith(this.prefix);
    return stays ? name : kind + this.prefix + rest;
  }

  private unwrap(name: string): string {
    const { kind, rest } = split(name);
    return rest.startsWith(this.prefix) && !isSystem(name) ? kind + rest.slice(this.prefix.length) : name;
  }
}

const isSystem = (name: string): boolean => isSystemTopic(name) || name.startsWith(SYSTEM_GROUP_PREFIX);

/** A group's retry and dead letter topics carry the namespace of the group, after their own prefix. */
function split(name: string): { kind: string; rest: string } {
  const kind = [RETRY_GROUP_PREFIX, DLQ_GROUP_PREFIX].find((prefix) => name.startsWith(prefix)) ?? '';
  return { kind, rest: name.slice(kind.length) };
}
