import { type DataVersion, parseFastjson } from '@rocketnest/protocol';
import type { Clock } from './clock.js';

/** The version after a change (`DataVersion.nextVersion`): equal versions mean equal tables to name servers and slaves. */
export const nextVersion = (current: DataVersion, clock: Clock): DataVersion => ({
  stateVersion: current.stateVersion,
  timestamp: clock.now(),
  counter: current.counter + 1,
});

/** Whether a version as text (JSON) is this one; false for text that is no version. */
export function isSameVersion(text: string, version: DataVersion): boolean {
  try {
    const given = parseFastjson(text) as Partial<DataVersion> | null;
    return (['counter', 'stateVersion', 'timestamp'] as const).every((part) => given?.[part] === version[part]);
  } catch {
    return false;
  }
}
