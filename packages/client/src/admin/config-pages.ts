import type { DataVersion } from '@rocketnest/protocol';

/** Entries asked for at once. Java: ClientConfig.maxPageSizeInGetMetadata. */
export const CONFIG_PAGE_SIZE = 2_000;
/** A table that changes all the time is read this often from the start, then taken as it comes. */
const MAX_RESTARTS = 5;

export interface ConfigPage<T> {
  readonly entries: readonly T[];
  readonly version: DataVersion;
  /** Absent when the broker does not know pages (before 5.2) and `entries` are all. */
  readonly total: number | undefined;
}

/** Reads a broker's table of topics or groups page by page; from the start when it changed on the way. Java: MQClientAPIImpl.getAllTopicConfig. */
export async function readConfigPages<T>(
  read: (from: number, version: DataVersion | undefined) => Promise<ConfigPage<T>>,
): Promise<T[]> {
  let entries: T[] = [];
  let version: DataVersion | undefined;
  for (let restarts = 0; ; ) {
    const page = await read(entries.length, version);
    if (version !== undefined && !sameVersion(version, page.version) && restarts < MAX_RESTARTS) {
      restarts++;
      entries = [];
      version = undefined;
      continue;
    }
    version = page.version;
    entries.push(...page.entries);
    if (page.total === undefined || page.entries.length === 0 || entries.length >= page.total) return entries;
  }
}

const sameVersion = (a: DataVersion, b: DataVersion): boolean =>
  a.counter === b.counter && a.timestamp === b.timestamp && a.stateVersion === b.stateVersion;
