import { type DataVersion, formatProperties, parseProperties, ResponseCode, ResponseError } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';
import { writeJsonAtomic } from '@rocketnest/store';
import { knownApacheKeys } from './apache-keys.js';
import type { Clock } from './clock.js';
import { nextVersion } from './data-version.js';
import { type BrokerOptionName, type BrokerOptions, brokerOptionRow, readBrokerOption } from './options.js';

export interface LiveOptionsParts {
  /** Complete and checked: what {@link resolveBrokerOptions} returns. */
  readonly options: BrokerOptions;
  /** Keys of the configuration file that Apache knows and this broker does not obey; they are shown and written, too. */
  readonly foreign?: ReadonlyMap<string, string> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Told after options changed; `changed` holds their names. */
export type OptionListener = (changed: ReadonlySet<BrokerOptionName>) => void;

/**
 * The options of a running broker: one object with the current values, read by everybody, changed only here (Java:
 * `Configuration`). Whoever must act on a change, instead of reading the value when it is needed, listens.
 */
export class LiveOptions {
  /** The current values. Always the same object: keep it, not its values. */
  readonly current: BrokerOptions;
  private readonly values: Record<string, unknown>;
  private readonly foreign: Map<string, string>;
  private readonly listeners: OptionListener[] = [];
  private version: DataVersion;
  private updating: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: LiveOptionsParts) {
    this.values = { ...parts.options };
    this.current = this.values as unknown as BrokerOptions;
    this.foreign = new Map(parts.foreign);
    this.version = { stateVersion: 0, timestamp: parts.clock.now(), counter: 0 };
  }

  get dataVersion(): DataVersion {
    return this.version;
  }

  /** Listeners are called in the order they were added, after all values of an update are in place. */
  onChange(listener: OptionListener): void {
    this.listeners.push(listener);
  }

  /**
   * All options as a properties file, sorted by key: what GET_BROKER_CONFIG answers and the file holds.
   * @param instead values that take the place of the current ones
   */
  format(instead: Readonly<Record<string, unknown>> = {}): string {
    const all = Object.entries({ ...this.values, ...Object.fromEntries(this.foreign), ...instead });
    return formatProperties(all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, escaped(value)]));
  }

  /**
   * Carries out UPDATE_BROKER_CONFIG: all of the changes or none. They are on disk, in the file `brokerConfigPath`, before they
   * take effect; when it cannot be written that is logged, as by Apache. Updates that come during one wait for it.
   * @param source Java properties: keys and new values
   * @throws ResponseError NO_PERMISSION for keys of the black list; INVALID_PARAMETER for keys that neither Apache nor this broker
   *   knows, keys that only count at start, and values of the wrong type or range
   */
  update(source: string): Promise<ReadonlySet<string>> {
    const done = this.updating.then(() => this.apply(parseProperties(source)));
    this.updating = done.catch(() => undefined);
    return done;
  }

  private async apply(changes: ReadonlyMap<string, string>): Promise<ReadonlySet<string>> {
    const { own, foreign } = this.checked(changes);
    await this.persist({ ...own, ...foreign });
    const changed = new Set<BrokerOptionName>();
    for (const [key, value] of Object.entries(own)) {
      if (this.values[key] === value) continue;
      this.parts.logger.info('option changed', { key, from: this.values[key], to: value });
      this.values[key] = value;
      changed.add(key as BrokerOptionName);
    }
    for (const [key, value] of Object.entries(foreign)) {
      this.parts.logger.warn('option accepted and kept, without effect on this broker', { key, value });
      this.foreign.set(key, value);
    }
    this.version = nextVersion(this.version, this.parts.clock);
    for (const listener of this.listeners) listener(changed);
    return new Set(changes.keys());
  }

  /** Writes all options with these changes. A file that cannot be written (a read-only mount) keeps nobody from changing them. */
  private async persist(changes: Readonly<Record<string, unknown>>): Promise<void> {
    const path = this.current.brokerConfigPath;
    try {
      await writeJsonAtomic(path, this.format(changes));
    } catch (error) {
      this.parts.logger.error('options are changed until the next start only: their file cannot be written', {
        path,
        keys: Object.keys(changes),
        error,
      });
    }
  }

  /** The changes by type: own options with their values, and keys that are only kept. All mistakes are reported at once. */
  private checked(changes: ReadonlyMap<string, string>): {
    own: Record<string, unknown>;
    foreign: Record<string, string>;
  } {
    const forbidden = this.blackList();
    const banned = [...changes.keys()].filter((key) => forbidden.has(key));
    if (banned.length > 0) {
      throw refused(
        ResponseCode.NO_PERMISSION,
        `Can not update config in black list: ${banned.join(', ')}. Change the file and restart the broker.`,
      );
    }
    const own: Record<string, unknown> = {};
    const foreign: Record<string, string> = {};
    const mistakes: string[] = [];
    for (const [key, text] of changes) {
      const row = brokerOptionRow(key);
      if (row === undefined) {
        if (knownApacheKeys.has(key)) foreign[key] = text.trim();
        else mistakes.push(`${key} is not an option: check its spelling`);
        continue;
      }
      try {
        const value = readBrokerOption(key, text);
        if (row.atStart === true && value !== this.values[key]) {
          mistakes.push(`${key} counts only at start: set it where the broker is configured, and restart it`);
        } else own[key] = value;
      } catch (error) {
        mistakes.push((error as Error).message);
      }
    }
    if (mistakes.length > 0) {
      throw refused(ResponseCode.INVALID_PARAMETER, `nothing was changed: ${mistakes.join('; ')}`);
    }
    return { own, foreign };
  }

  /** Keys that nobody may change through the wire (`AdminBrokerProcessor.initConfigBlackList`). */
  private blackList(): ReadonlySet<string> {
    const configured = this.current.configBlackList.split(';').map((key) => key.trim());
    return new Set(['brokerConfigPath', 'rocketmqHome', 'configBlackList', ...configured]);
  }
}

/** A value as it stands in a properties file. */
const escaped = (value: unknown): string =>
  String(value).replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');

const refused = (responseCode: number, remark: string): ResponseError =>
  new ResponseError(remark, { responseCode, remark });
