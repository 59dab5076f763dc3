import {
  type DataVersion,
  encodeSubscriptionGroupWrapper,
  groupProblem,
  isSystemGroup,
  parseSubscriptionGroupWrapper,
  type SubscriptionGroupConfig,
  type SubscriptionGroupWrapper,
} from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { alterAttributes, groupAttributes } from './attributes.js';
import type { Clock } from './clock.js';
import { ConfigFile } from './config-file.js';
import { nextVersion } from './data-version.js';
import type { BrokerOptions } from './options.js';

export interface GroupTableParts {
  readonly options: BrokerOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly path: string;
}

/** A group as Apache creates it when nobody says more (`SubscriptionGroupConfig`). */
export const newGroupConfig = (groupName: string): SubscriptionGroupConfig => ({
  groupName,
  consumeEnable: true,
  consumeFromMinEnable: true,
  consumeBroadcastEnable: true,
  consumeMessageOrderly: false,
  retryQueueNums: 1,
  retryMaxTimes: 16,
  groupRetryPolicy: { type: 'CUSTOMIZED' },
  brokerId: 0,
  whichBrokerWhenConsumeSlowly: 1,
  notifyConsumerIdsChangedEnable: true,
  groupSysFlag: 0,
  consumeTimeoutMinute: 15,
  attributes: {},
});

/** Groups that are there from the first start (`SubscriptionGroupManager.init`, names from `MixAll`). */
const builtInGroups: readonly string[] = [
  'TOOLS_CONSUMER',
  'FILTERSRV_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_RMQ_SYS_TRANS',
];

/** Bit in the forbidden mask of a group and topic: reading is forbidden (`PermName.INDEX_PERM_READ`). */
const READ_FORBIDDEN_BIT = 2;

/** The consumer groups of this broker and their settings: `config/subscriptionGroup.json` (`SubscriptionGroupManager`). */
export class GroupTable {
  readonly file: ConfigFile;
  private readonly groups = new Map<string, SubscriptionGroupConfig>();
  private forbidden: Record<string, Record<string, number>> = {};
  private version: DataVersion;

  constructor(private readonly parts: GroupTableParts) {
    this.version = { stateVersion: 0, timestamp: parts.clock.now(), counter: 0 };
    this.file = new ConfigFile(parts.path, this);
    for (const name of builtInGroups) this.groups.set(name, newGroupConfig(name));
  }

  has(group: string): boolean {
    return this.groups.has(group);
  }

  get all(): ReadonlyMap<string, SubscriptionGroupConfig> {
    return this.groups;
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  /** The settings of a group; creates it when that is allowed. Undefined: no such group and none may be created. */
  find(group: string): SubscriptionGroupConfig | undefined {
    const known = this.groups.get(group);
    if (known !== undefined) return known;
    const { autoCreateSubscriptionGroup, enableCreateSysGroup } = this.parts.options;
    const allowed = autoCreateSubscriptionGroup || (enableCreateSysGroup && isSystemGroup(group));
    if (!allowed || groupProblem(group) !== null) return undefined;
    return this.add(newGroupConfig(group));
  }

  /**
   * Creates or changes a group for an admin. Attributes come as `+name`/`-name` changes.
   * @throws ResponseError when an attribute change is not allowed (`updateSubscriptionGroupConfig`)
   */
  update(group: SubscriptionGroupConfig): SubscriptionGroupConfig {
    const current = this.groups.get(group.groupName);
    const attributes = alterAttributes(groupAttributes, current?.attributes, group.attributes ?? {});
    return this.add({ ...group, attributes });
  }

  /** @returns false when there was no such group */
  delete(group: string): boolean {
    delete this.forbidden[group];
    const existed = this.groups.delete(group);
    if (existed) this.changed();
    return existed;
  }

  /** True when an admin forbade this group to read this topic. */
  isReadForbidden(group: string, topic: string): boolean {
    return (((this.forbidden[group]?.[topic] ?? 0) >> READ_FORBIDDEN_BIT) & 1) === 1;
  }

  /** Forbids a group to read a topic, or allows it again (`updateForbidden`). Unlike Java, allowing leaves the group's other topics alone. */
  forbidRead(group: string, topic: string, forbidden: boolean): void {
    const topics = { ...this.forbidden[group] };
    const bits = topics[topic] ?? 0;
    const changed = forbidden ? bits | (1 << READ_FORBIDDEN_BIT) : bits & ~(1 << READ_FORBIDDEN_BIT);
    if (changed === bits) return;
    if (changed === 0) delete topics[topic];
    else topics[topic] = changed;
    if (Object.keys(topics).length === 0) delete this.forbidden[group];
    else this.forbidden[group] = topics;
    this.changed();
  }

  /**
   * Groups number `from` to `from + max` by name, with what is forbidden to them (`subGroupTable`). Starts over at 0 when
   * `version` is not the current one: the table changed between two pages.
   */
  page(from: number, max: number, version: DataVersion | undefined): SubscriptionGroupWrapper {
    const { dataVersion } = this;
    const unchanged =
      version !== undefined && version.counter === dataVersion.counter && version.timestamp === dataVersion.timestamp;
    const begin = from > 0 && unchanged ? from : 0;
    const names = [...this.groups.keys()].sort().slice(begin, begin + Math.max(0, max));
    return {
      dataVersion,
      forbiddenTable: Object.fromEntries(
        names.flatMap((name) => (this.forbidden[name] ? [[name, this.forbidden[name]]] : [])),
      ),
      subscriptionGroupTable: Object.fromEntries(names.map((name) => [name, this.groups.get(name)!])),
    };
  }

  /** The whole table as it goes to files and admins. */
  get wrapper(): SubscriptionGroupWrapper {
    return {
      dataVersion: this.version,
      forbiddenTable: this.forbidden,
      subscriptionGroupTable: Object.fromEntries(this.groups),
    };
  }

  encode(): string {
    return encodeSubscriptionGroupWrapper(this.wrapper).toString('utf8');
  }

  decode(text: string): void {
    const wrapper = parseSubscriptionGroupWrapper(Buffer.from(text));
    for (const group of Object.values(wrapper.subscriptionGroupTable)) this.groups.set(group.groupName, group);
    this.forbidden = { ...this.forbidden, ...wrapper.forbiddenTable };
    this.version = wrapper.dataVersion;
  }

  private add(group: SubscriptionGroupConfig): SubscriptionGroupConfig {
    this.groups.set(group.groupName, group);
    this.parts.logger.info('consumer group created or changed', { group });
    this.changed();
    return group;
  }

  private changed(): void {
    this.version = nextVersion(this.version, this.parts.clock);
    this.file.touch();
  }
}
