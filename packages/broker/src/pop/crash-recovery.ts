import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decodeProperties,
  isRetryTopic,
  type PopCheckPoint,
  PropertyName,
  parsePopCheckPoint,
  readStored,
  TIMER_TOPIC,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { ReviveTag } from './names.js';
import type { ReviveLog } from './revive-log.js';

const BATCH = 32;
const BATCH_BYTES = 1024 * 1024;
/** The timer delivers slots of the last second or two again. */
const MARGIN_MS = 10_000;

/**
 * When the last run of this directory ended without a stop: the moment from which on pops may be missing in
 * `config/consumerOffset.json`, ms since 1970. Undefined after a clean stop, and when there is no such file. To be asked before
 * the store starts.
 */
export async function crashedSince(
  context: Pick<BrokerContext, 'options' | 'configFile'>,
): Promise<number | undefined> {
  const abort = await modifiedAt(join(context.options.storePathRootDir, 'abort'));
  return abort === undefined ? undefined : modifiedAt(context.configFile('consumerOffset.json'));
}

/** Has `config/consumerOffset.json` from the first start on: a crash before it is written would leave nothing to begin at. */
export async function ensureOffsetFile({
  configFile,
  offsets,
}: Pick<BrokerContext, 'configFile' | 'offsets'>): Promise<void> {
  if ((await modifiedAt(configFile('consumerOffset.json'))) !== undefined) return;
  offsets.file.touch();
  await offsets.file.save();
}

const modifiedAt = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );

/**
 * Moves offsets of groups past what they popped after `since`: the check points in the log tell. Offsets are saved every few
 * seconds only, so that without this a crash would have those messages popped anew, acknowledged ones included. (Apache's broker
 * does so.) An offset moves only along pops that follow it without a gap.
 * @returns how many offsets were moved
 */
export async function recoverOffsets(
  context: Pick<BrokerContext, 'store' | 'offsets'>,
  log: ReviveLog,
  reviveQueues: number,
  since: number,
): Promise<number> {
  const points: PopCheckPoint[] = await checkPointsOf(context, log, TIMER_TOPIC, 0, since);
  for (let queueId = 0; queueId < reviveQueues; queueId++) {
    points.push(...(await checkPointsOf(context, log, log.topic, queueId, since)));
  }
  points.sort((a, b) => a.pt - b.pt || a.so - b.so);
  const moved = new Set<string>();
  for (const { t, c, q, so, n, d } of points) {
    const next = so + (d.length === 0 ? n : d.at(-1)! + 1);
    const committed = context.offsets.query(c, t, q);
    if (committed >= next || (committed >= 0 && so > committed)) continue;
    context.offsets.commit(c, t, q, next);
    moved.add(`${t}@${c}@${q}`);
  }
  return moved.size;
}

async function checkPointsOf(
  { store }: Pick<BrokerContext, 'store'>,
  log: ReviveLog,
  topic: string,
  queueId: number,
  since: number,
): Promise<PopCheckPoint[]> {
  const points: PopCheckPoint[] = [];
  await eachMessage(store, topic, queueId, since, (message) => {
    const properties = decodeProperties(readStored.propertiesData(message, 0));
    const target = properties[PropertyName.REAL_TOPIC] ?? topic;
    if (properties[PropertyName.TAGS] !== ReviveTag.CHECK_POINT || target !== log.topic) return;
    const point = readPoint(readStored.body(message, 0));
    if (point !== undefined && point.pt >= since) points.push(point);
  });
  return points;
}

/** What cannot be read is left to the revive queue, which says so. */
function readPoint(body: Buffer): PopCheckPoint | undefined {
  try {
    return parsePopCheckPoint(body);
  } catch {
    return undefined;
  }
}

/** What tells one return of a message from all others; undefined when its producer gave it no id. */
export function returnKey(
  topic: string,
  reconsumeTimes: number,
  properties: Record<string, string>,
): string | undefined {
  const id = properties[PropertyName.UNIQ_KEY];
  return id && `${topic} ${reconsumeTimes} ${properties[PropertyName.FIRST_POP_TIME]} ${id}`;
}

/**
 * Messages that were returned to their retry topic after `since`: the offset of REVIVE_GROUP may be older, and the timer delivers its
 * last slots again, so that their check points come once more.
 */
export async function returnedSince(
  { store, topics }: Pick<BrokerContext, 'store' | 'topics'>,
  since: number,
): Promise<Set<string>> {
  const returned = new Set<string>();
  for (const [topic, { readQueueNums }] of topics.all) {
    if (!isRetryTopic(topic)) continue;
    for (let queueId = 0; queueId < readQueueNums; queueId++) {
      await eachMessage(store, topic, queueId, since - MARGIN_MS, (message) => {
        const properties = decodeProperties(readStored.propertiesData(message, 0));
        const key = returnKey(topic, readStored.reconsumeTimes(message, 0), properties);
        if (key !== undefined) returned.add(key);
      });
    }
  }
  return returned;
}

async function eachMessage(
  store: BrokerContext['store'],
  topic: string,
  queueId: number,
  since: number,
  visit: (message: Buffer) => void,
): Promise<void> {
  const end = store.maxOffset(topic, queueId);
  let offset = await store.offsetByTimestamp(topic, queueId, Math.floor(since));
  while (offset < end) {
    const { buffers, nextBeginOffset } = await store.get(topic, queueId, offset, BATCH, BATCH_BYTES);
    for (const message of buffers) visit(message);
    if (nextBeginOffset <= offset) return;
    offset = nextBeginOffset;
  }
}
