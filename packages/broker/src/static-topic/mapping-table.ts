import {
  type DataVersion,
  encodeTopicQueueMappings,
  parseTopicQueueMappings,
  ResponseCode,
  ResponseError,
  type TopicQueueMapping,
} from '@rocketnest/protocol';
import type { Clock } from '../clock.js';
import { ConfigFile } from '../config-file.js';
import { nextVersion } from '../data-version.js';
import { problemOfChange, problemOfParts } from './mapping.js';

export interface MappingTableParts {
  readonly clock: Clock;
  /** Name of this broker. */
  readonly brokerName: string;
  readonly path: string;
}

/** The static topics of this broker: `config/topicQueueMapping.json` (`TopicQueueMappingManager`). */
export class MappingTable {
  readonly file: ConfigFile;
  private readonly mappings = new Map<string, TopicQueueMapping>();
  private version: DataVersion;

  constructor(private readonly parts: MappingTableParts) {
    this.version = { stateVersion: 0, timestamp: parts.clock.now(), counter: 0 };
    this.file = new ConfigFile(parts.path, this);
  }

  get(topic: string): TopicQueueMapping | undefined {
    return this.mappings.get(topic);
  }

  get all(): ReadonlyMap<string, TopicQueueMapping> {
    return this.mappings;
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  /**
   * Takes a mapping, with the logic queues of the old one that it does not name.
   * @param force take it whatever the old one was
   * @throws ResponseError SYSTEM_ERROR, as Java, when it is wrong in itself, or older than or in conflict with the old one
   */
  update(mapping: TopicQueueMapping, force = false): void {
    const { topic, bname } = mapping;
    if (bname !== this.parts.brokerName) {
      throw refused(`the mapping of ${topic} is for broker ${bname}, this is ${this.parts.brokerName}`);
    }
    for (const [id, items] of Object.entries(mapping.hostedQueues)) {
      const problem = problemOfParts(items);
      if (problem !== null) throw refused(`logic queue ${id} of ${topic}: ${problem}`);
    }
    const old = this.mappings.get(topic);
    if (old !== undefined && !force) check(old, mapping);
    this.put({ ...mapping, hostedQueues: { ...old?.hostedQueues, ...mapping.hostedQueues } });
  }

  /** Replaces the logic queues of a topic by what a clean-up left of them. */
  replaceQueues(topic: string, hostedQueues: TopicQueueMapping['hostedQueues']): void {
    const old = this.mappings.get(topic);
    if (old !== undefined) this.put({ ...old, hostedQueues });
  }

  delete(topic: string): void {
    if (this.mappings.delete(topic)) this.changed();
  }

  encode(): string {
    return encodeTopicQueueMappings({
      topicQueueMappingInfoMap: Object.fromEntries(this.mappings),
      dataVersion: this.version,
    }).toString('utf8');
  }

  decode(text: string): void {
    const { topicQueueMappingInfoMap, dataVersion } = parseTopicQueueMappings(Buffer.from(text));
    for (const [topic, mapping] of Object.entries(topicQueueMappingInfoMap)) this.mappings.set(topic, mapping);
    if (dataVersion !== undefined) this.version = dataVersion;
  }

  private put(mapping: TopicQueueMapping): void {
    this.mappings.set(mapping.topic, mapping);
    this.changed();
  }

  private changed(): void {
    this.version = nextVersion(this.version, this.parts.clock);
    this.file.touch();
  }
}

function check(old: TopicQueueMapping, mapping: TopicQueueMapping): void {
  const { topic, epoch, scope } = mapping;
  if (epoch < old.epoch) throw refused(`Can't accept data with small epoch ${epoch} < ${old.epoch} of topic ${topic}`);
  if (scope !== old.scope) throw refused(`Can't accept data with unmatched scope ${scope} != ${old.scope}`);
  for (const [id, items] of Object.entries(old.hostedQueues)) {
    const changed = mapping.hostedQueues[Number(id)];
    if (changed === undefined && epoch === old.epoch) throw refused('Cannot accept equal epoch with null data');
    const problem = changed === undefined ? null : problemOfChange(items, changed, epoch === old.epoch);
    if (problem !== null) throw refused(`logic queue ${id} of ${topic}: ${problem}`);
  }
}

const refused = (remark: string): ResponseError =>
  new ResponseError(remark, { responseCode: ResponseCode.SYSTEM_ERROR, remark });
