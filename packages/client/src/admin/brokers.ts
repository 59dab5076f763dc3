import {
  type BrokerStatsData,
  type ColdDataFlow,
  ConfigurationError,
  type ConsumeStatsList,
  createRequest,
  type EpochCache,
  type FieldMap,
  type HARuntimeInfo,
  PropertyName,
  parseBrokerStatsData,
  parseColdDataFlow,
  parseConsumeStatsList,
  parseEpochCache,
  parseHARuntimeInfo,
  parseKVTable,
  parseProperties,
  type RequestDefinition,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import { responseError } from '../broker-api.js';
import { type BrokerRuntime, readRuntime } from './broker-runtime.js';
import type { BrokerMember, BrokersOf, Where } from './brokers-of.js';
import { changeAll, type Gathered, gather } from './gathered.js';
import { encodeProperties, type Properties } from './properties.js';

type NoFields = Record<never, never>;

/** Work on files takes its time, in ms. */
const UPKEEP_TIMEOUT_MS = 30_000;

/** The configuration of one broker process: Apache's keys. */
export interface BrokerConfigOnMember extends BrokerMember {
  readonly properties: Properties;
}

/** A counter of one broker process: of the last minute, hour and day. Null: it was never counted there. */
export type BrokerStatsOnMember = BrokerMember & { readonly stats: BrokerStatsData | null };
export type HaStatusOnMember = BrokerMember & HARuntimeInfo;
export type EpochsOnMember = BrokerMember & Pick<EpochCache, 'epochList' | 'maxOffset'>;
export type ColdDataOnMember = BrokerMember & ColdDataFlow;
export type ConsumeStatsOnMember = BrokerMember & ConsumeStatsList;

/** Where timed messages wait. Java: MessageConst.TIMER_ENGINE_TYPE. */
export type TimerEngine = 'FILE_TIME_WHEEL' | 'ROCKSDB_TIMELINE';
/** Tables of a broker that keeps its metadata in RocksDB. */
export type RocksdbTable = 'topics' | 'subscriptionGroups' | 'consumerOffsets';

/** How commit log files are read: LibC.MADV_NORMAL and MADV_RANDOM. */
const READ_AHEAD = { normal: '0', random: '1' } as const;

/**
 * The broker processes: what they do, their configuration, their upkeep. Questions go to masters and slaves, changes to masters
 * unless `where.broker` is the "host:port" of a slave.
 */
export class BrokerAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  /** Every broker process the name server knows. */
  list(where: Where = {}): Promise<BrokerMember[]> {
    return this.brokers.members(where);
  }

  /** Version, rates, disk, queues. Java: fetchBrokerRuntimeStats, `mqadmin brokerStatus`. */
  runtimeInfo(where: Where = {}): Promise<Gathered<BrokerRuntime>> {
    return this.ask(where, Requests.getBrokerRuntimeInfo, (member, body) =>
      readRuntime(member, parseKVTable(body).table),
    );
  }

  /** Java: getBrokerConfig. */
  config(where: Where = {}): Promise<Gathered<BrokerConfigOnMember>> {
    return this.ask(where, Requests.getBrokerConfig, (member, body) => ({
      ...member,
      properties: Object.fromEntries(parseProperties(body.toString())),
    }));
  }

  /**
   * Changes options of running brokers, which also write them to their configuration file. Not every option has an effect before
   * the next start. `brokerPermission` "4" makes a broker read-only, "6" takes that back. Java: updateBrokerConfig.
   * @throws ConfigurationError on an impossible key or value, PartialError when only some brokers took it
   */
  async updateConfig(properties: Properties, where: Where = {}): Promise<void> {
    const permission = properties['brokerPermission'];
    if (permission !== undefined && !/^[246]$/.test(permission)) {
      throw new ConfigurationError(
        `brokerPermission must be 2 (write), 4 (read) or 6 (both), got ${JSON.stringify(permission)}.`,
        { context: { permission } },
      );
    }
    const body = encodeProperties(properties, 'a broker');
    await this.change(where, `Configuration ${Object.keys(properties).join(', ')} is changed`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.updateBrokerConfig, {}, { body }),
    );
  }

  /**
   * A counter by name, e.g. `TOPIC_PUT_NUMS` of a topic, `GROUP_GET_NUMS` of "topic@group", `BROKER_PUT_NUMS` of the cluster's
   * name. Java: viewBrokerStatsData, BrokerStatsManager.
   */
  async stats(statsName: string, statsKey: string, where: Where = {}): Promise<Gathered<BrokerStatsOnMember>> {
    return gather(await this.brokers.members(where), async (member) => {
      const { code, body } = await this.brokers.instance.api.call(
        member.address,
        Requests.viewBrokerStatsData,
        { statsName, statsKey },
        { accept: [ResponseCode.SUCCESS, ResponseCode.SYSTEM_ERROR] },
      );
      return [{ ...member, stats: code === ResponseCode.SUCCESS ? parseBrokerStatsData(body) : null }];
    });
  }

  /** The offsets of all groups on each broker. Java: fetchConsumeStatsInBroker. */
  async consumeStats(where: Where = {}, isOrder = false): Promise<Gathered<ConsumeStatsOnMember>> {
    return gather(await this.brokers.masters(where), async (member) => {
      const { body } = await this.brokers.instance.api.call(member.address, Requests.getBrokerConsumeStats, {
        isOrder,
      });
      return [{ ...member, ...parseConsumeStatsList(body) }];
    });
  }

  /** Who replicates from whom, and how far. Java: getBrokerHAStatus. */
  haStatus(where: Where = {}): Promise<Gathered<HaStatusOnMember>> {
    return this.ask(where, Requests.getBrokerHaStatus, (member, body) => ({ ...member, ...parseHARuntimeInfo(body) }));
  }

  /** Who was master for which part of the commit log; brokers under a controller only. Java: getBrokerEpochCache. */
  epochs(where: Where = {}): Promise<Gathered<EpochsOnMember>> {
    return this.ask(where, Requests.getBrokerEpochCache, (member, body) => {
      const { epochList, maxOffset } = parseEpochCache(body);
      return { ...member, epochList, maxOffset };
    });
  }

  /** For a slave that stays behind because its master lost messages: take the master's end as its own. Java: resetMasterFlushOffset. */
  async resetMasterFlushOffset(address: string, masterFlushOffset: number): Promise<void> {
    await this.brokers.instance.api.call(address, Requests.resetMasterFlushOffset, { masterFlushOffset });
  }

  // Reading of old messages

  /** What groups read of old, cold files, and what they may. Java: getColdDataFlowCtrInfo. */
  coldDataFlow(where: Where = {}): Promise<Gathered<ColdDataOnMember>> {
    return this.ask(where, Requests.getColdDataFlowCtrInfo, (member, body) => ({
      ...member,
      ...parseColdDataFlow(body),
    }));
  }

  /** @param bytes that the group may read from cold files in a few seconds. Java: updateColdDataFlowCtrGroupConfig */
  async setColdDataThreshold(group: string, bytes: number, where: Where = {}): Promise<void> {
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new ConfigurationError(`The threshold of group ${group} must be a whole number of bytes, got ${bytes}.`);
    }
    const body = encodeProperties({ [group]: String(bytes) }, 'cold data flow control');
    await this.change(where, `The cold data threshold of group ${group} is set`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.updateColdDataFlowCtrConfig, {}, { body }),
    );
  }

  async removeColdDataThreshold(group: string, where: Where = {}): Promise<void> {
    await this.change(where, `The cold data threshold of group ${group} is removed`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.removeColdDataFlowCtrConfig, {}, { body: Buffer.from(group) }),
    );
  }

  /** Whether the system reads ahead in commit log files: `random` saves cache where old messages are read rarely. Java: setCommitLogReadAheadMode. */
  async setReadAhead(mode: keyof typeof READ_AHEAD, where: Where = {}): Promise<void> {
    await this.changeWithField(where, `Read-ahead ${mode} is set`, Requests.setCommitlogReadMode, {
      READ_AHEAD_MODE: READ_AHEAD[mode],
    });
  }

  // Upkeep

  /** Removes consume queue files whose messages are gone, now. Java: cleanExpiredConsumerQueue. */
  cleanExpiredConsumeQueues(where: Where = {}): Promise<void> {
    return this.upkeep(where, 'Expired consume queues are removed', Requests.cleanExpiredConsumequeue);
  }

  /** Removes the consume queues of topics that do not exist any more, now. Java: cleanUnusedTopic. */
  cleanUnusedTopics(where: Where = {}): Promise<void> {
    return this.upkeep(where, 'Consume queues of unknown topics are removed', Requests.cleanUnusedTopic);
  }

  /** Deletes commit log files older than fileReservedTime now, whatever the hour. Java: deleteExpiredCommitLog. */
  deleteExpiredCommitLogs(where: Where = {}): Promise<void> {
    return this.upkeep(where, 'Expired commit log files are deleted', Requests.deleteExpiredCommitlog);
  }

  /** Where timed messages wait from now on. Java: switchTimerEngine. */
  async switchTimerEngine(engine: TimerEngine, where: Where = {}): Promise<void> {
    // Java: MessageConst.TIMER_ENGINE_ROCKSDB_TIMELINE and TIMER_ENGINE_FILE_TIME_WHEEL.
    const word = engine === 'ROCKSDB_TIMELINE' ? 'R' : 'F';
    await this.changeWithField(where, `Timer engine ${engine} is set`, Requests.switchTimerEngine, {
      [PropertyName.TIMER_ENGINE_TYPE]: word,
    });
  }

  /** Has brokers that keep metadata in RocksDB write it as JSON beside their store. Java: exportRocksDBConfigToJson. */
  async exportRocksdbConfig(tables: readonly RocksdbTable[], where: Where = {}): Promise<void> {
    const configType = tables.map((table) => `${table};`).join('');
    await this.change(where, `Tables ${tables.join(', ')} are exported`, ({ address }) =>
      this.brokers.instance.api.call(
        address,
        Requests.exportRocksdbConfigToJson,
        { configType },
        { timeoutMs: UPKEEP_TIMEOUT_MS },
      ),
    );
  }

  private upkeep(where: Where, what: string, definition: RequestDefinition<NoFields, NoFields>): Promise<void> {
    return this.change(where, what, ({ address }) =>
      this.brokers.instance.api.call(address, definition, {}, { timeoutMs: UPKEEP_TIMEOUT_MS }),
    );
  }

  /** Some requests of Java's have no header class: their one field stands beside. */
  private changeWithField(
    where: Where,
    what: string,
    definition: RequestDefinition<NoFields, NoFields>,
    extFields: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { remoting } = this.brokers.instance;
    return this.change(where, what, async ({ address }) => {
      const request = createRequest(definition, {});
      Object.assign(request.extFields, extFields);
      const response = await remoting.request(address, request);
      if (response.code !== ResponseCode.SUCCESS) throw responseError(definition.name, address, response);
    });
  }

  private async change(where: Where, what: string, make: (member: BrokerMember) => Promise<unknown>): Promise<void> {
    const one = where.broker?.includes(':') ?? false;
    await changeAll(await (one ? this.brokers.members(where) : this.brokers.masters(where)), what, make);
  }

  private async ask<T, R extends FieldMap>(
    where: Where,
    definition: RequestDefinition<NoFields, R>,
    read: (member: BrokerMember, body: Buffer) => T,
  ): Promise<Gathered<T>> {
    return gather(await this.brokers.members(where), async (member) => {
      const { body } = await this.brokers.instance.api.call(member.address, definition, {});
      return [read(member, body)];
    });
  }
}
