import type { MessageStore } from '../message-store.js';
import type { StoreOptions } from '../options.js';
import type { PutCallback, StoreClock, StoreLogger, StoreMessage } from '../types.js';
import type { TimerLog } from './timer-log.js';
import type { TimerMetrics } from './timer-metrics.js';
import type { TimerWheel } from './timer-wheel.js';

/** The options that timers obey; read when used, so they may change while the timers run. */
export type TimerOptions = Pick<
  StoreOptions,
  | 'mappedFileSizeTimerLog'
  | 'timerPrecisionMs'
  | 'timerRollWindowSlot'
  | 'timerMaxDelaySec'
  | 'timerCongestNumEachSlot'
  | 'timerFlushIntervalMs'
  | 'timerStopEnqueue'
  | 'timerSkipUnknownError'
  | 'timerEnableRetryUntilSuccess'
  | 'timerEnableCheckMetrics'
  | 'timerMetricSmallThreshold'
  | 'appendTopicForTimerDeleteKey'
>;

/** What the parts of the timers share. */
export interface TimerParts {
  readonly options: TimerOptions;
  readonly store: MessageStore;
  readonly clock: StoreClock;
  readonly logger: StoreLogger;
  readonly wheel: TimerWheel;
  readonly log: TimerLog;
  readonly metrics: TimerMetrics;
  /** Stores a message whose time has come, or one that is rolled. */
  readonly put: (message: StoreMessage, done: PutCallback) => void;
}

/** The start of the slot of a moment. */
export const slotOf = (timeMs: number, precisionMs: number): number => Math.floor(timeMs / precisionMs) * precisionMs;
