import type { DataVersion } from '@rocketnest/protocol';
import type { Clock } from './clock.js';

/** The version after a change (`DataVersion.nextVersion`): equal versions mean equal tables to name servers and slaves. */
export const nextVersion = (current: DataVersion, clock: Clock): DataVersion => ({
  stateVersion: current.stateVersion,
  timestamp: clock.now(),
  counter: current.counter + 1,
});
