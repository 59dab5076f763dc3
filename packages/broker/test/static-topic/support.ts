import type { LogicQueueItem, TopicQueueMapping } from '@rocketnest/protocol';

/** A part of a logic queue: queue 0 of broker-a from 0 on, unless told otherwise. */
export const part = (special: Partial<LogicQueueItem> = {}): LogicQueueItem => ({
  gen: 0,
  queueId: 0,
  bname: 'broker-a',
  logicOffset: 0,
  startOffset: 0,
  endOffset: -1,
  timeOfStart: -1,
  timeOfEnd: -1,
  ...special,
});

/** What a broker knows of a topic. */
export const mapping = (
  topic: string,
  bname: string,
  hostedQueues: Record<number, LogicQueueItem[]>,
  special: Partial<TopicQueueMapping> = {},
): TopicQueueMapping => ({
  topic,
  bname,
  scope: '__global__',
  totalQueues: Object.keys(hostedQueues).length,
  epoch: 1_000,
  dirty: false,
  currIdMap: {},
  hostedQueues,
  ...special,
});
