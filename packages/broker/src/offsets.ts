import { type DataVersion, encodeConsumerOffsets, parseConsumerOffsets } from '@rocketnest/protocol';
import type { Clock } from './clock.js';
import { getOrCreate } from './collections.js';
import { ConfigFile } from './config-file.js';
import { nextVersion } from './data-version.js';
import type { BrokerOptions } from './options.js';

export interface OffsetTableParts {
  readonly options: BrokerOptions;
  readonly clock: Clock;
  readonly path: string;
}

type QueueOffsets = Map<number, number>;

const SEPARATOR = '@';
const keyOf = (topic: string, group: string): string => topic + SEPARATOR + group;

/** How far every group has consumed every queue: `config/consumerOffset.json` (`ConsumerOffsetManager`). */
export class OffsetTable {
  readonly file: ConfigFile;
  /** topic@group → queue → next offset to consume. */
  private readonly committed = new Map<string, QueueOffsets>();
  /** Offsets set by an admin that the group has not taken over yet. In memory only, as in Java. */
  private readonly resets = new Map<string, QueueOffsets>();
  /** Where the last pull ended; in memory only. */
  private readonly pulled = new Map<string, QueueOffsets>();
  private version: DataVersion;
  private commits = 0;

  constructor(private readonly parts: OffsetTableParts) {
    this.version = { stateVersion: 0, timestamp: parts.clock.now(), counter: 0 };
    this.file = new ConfigFile(parts.path, this);
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  /** Next offset to consume, -1 when the group never committed (`queryOffset`). */
  query(group: string, topic: string, queueId: number): number {
    const key = keyOf(topic, group);
    const reset = this.parts.options.useServerSideResetOffset ? this.resets.get(key)?.get(queueId) : undefined;
    return reset ?? this.committed.get(key)?.get(queueId) ?? -1;
  }

  /** End of the group's last pull, or what it has committed. */
  queryPulled(group: string, topic: string, queueId: number): number {
    return this.pulled.get(keyOf(topic, group))?.get(queueId) ?? this.query(group, topic, queueId);
  }

  commit(group: string, topic: string, queueId: number, offset: number): void {
    put(this.committed, keyOf(topic, group), queueId, offset);
    this.commits += 1;
    if (this.commits % this.parts.options.consumerOffsetUpdateVersionStep === 0) {
      this.version = nextVersion(this.version, this.parts.clock);
    }
    this.file.touch();
  }

  commitPulled(group: string, topic: string, queueId: number, offset: number): void {
    put(this.pulled, keyOf(topic, group), queueId, offset);
  }

  /** An admin moves a group: the next pull answers with this offset, commits before that are ignored. */
  reset(group: string, topic: string, queueId: number, offset: number): void {
    put(this.resets, keyOf(topic, group), queueId, offset);
    put(this.committed, keyOf(topic, group), queueId, offset);
    this.file.touch();
  }

  hasReset(group: string, topic: string, queueId: number): boolean {
    return this.resets.get(keyOf(topic, group))?.has(queueId) === true;
  }

  /** Takes the pending reset of a queue, if there is one. */
  takeReset(group: string, topic: string, queueId: number): number | undefined {
    const queues = this.resets.get(keyOf(topic, group));
    const offset = queues?.get(queueId);
    queues?.delete(queueId);
    return offset;
  }

  /** Topics that a group has committed offsets of. */
  topicsOf(group: string): string[] {
    return this.pairs().flatMap(([topic, owner]) => (owner === group ? [topic] : []));
  }

  /** Groups that have committed offsets of a topic. */
  groupsOf(topic: string): string[] {
    return this.pairs().flatMap(([name, group]) => (name === topic ? [group] : []));
  }

  /** Queue → offset of what a group has committed of a topic; undefined when it committed nothing. */
  committedOf(group: string, topic: string): ReadonlyMap<number, number> | undefined {
    return this.committed.get(keyOf(topic, group));
  }

  /** Another group continues where this one is: its committed offsets of the topic become the same (`cloneOffset`). */
  clone(fromGroup: string, toGroup: string, topic: string): void {
    const offsets = this.committed.get(keyOf(topic, fromGroup));
    if (offsets === undefined) return;
    this.committed.set(keyOf(topic, toGroup), new Map(offsets));
    this.file.touch();
  }

  removeGroup(group: string): void {
    this.remove((_topic, owner) => owner === group);
  }

  removeTopic(topic: string): void {
    this.remove((name) => name === topic);
  }

  encode(): string {
    const offsetTable = Object.fromEntries(
      [...this.committed].map(([key, queues]) => [key, Object.fromEntries(queues)]),
    );
    return encodeConsumerOffsets({ dataVersion: this.version, offsetTable }).toString('utf8');
  }

  decode(text: string): void {
    const parsed = parseConsumerOffsets(Buffer.from(text));
    this.committed.clear();
    for (const [key, queues] of Object.entries(parsed.offsetTable)) {
      this.committed.set(key, new Map(Object.entries(queues).map(([queueId, offset]) => [Number(queueId), offset])));
    }
    this.version = parsed.dataVersion;
  }

  private pairs(): (readonly [topic: string, group: string])[] {
    return [...this.committed.keys()].map((key) => {
      const at = key.indexOf(SEPARATOR);
      return [key.slice(0, at), key.slice(at + 1)] as const;
    });
  }

  private remove(matches: (topic: string, group: string) => boolean): void {
    for (const table of [this.committed, this.resets, this.pulled]) {
      for (const key of table.keys()) {
        const at = key.indexOf(SEPARATOR);
        if (matches(key.slice(0, at), key.slice(at + 1))) table.delete(key);
      }
    }
    this.file.touch();
  }
}

function put(table: Map<string, QueueOffsets>, key: string, queueId: number, offset: number): void {
  getOrCreate(table, key, () => new Map()).set(queueId, offset);
}
