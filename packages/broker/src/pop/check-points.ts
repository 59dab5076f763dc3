import type { PopAck, PopCheckPoint } from '@rocketnest/protocol';
import { getOrCreate } from '../collections.js';
import type { BrokerContext } from '../context.js';
import { queueKey } from './names.js';
import { ackOffsetAt, indexOfAck, isStored, mergeKeyOf, type ReviveLog, reviveTimeOf } from './revive-log.js';

type Parts = Pick<BrokerContext, 'options' | 'clock' | 'logger' | 'offsets'>;

/** Neither a check point nor an acknowledgement is buffered when less than this is left of its time. */
const MARGIN_MS = 1_500;

/** A check point on its way to the disk, or waiting in memory for its acknowledgements. */
interface Entry {
  readonly point: PopCheckPoint;
  readonly key: string;
  readonly line: Line;
  readonly reviveQueueId: number;
  /** Where the group's next pop of the queue begins. */
  readonly nextOffset: number;
  /** True while it may be acknowledged in memory; else it goes to the disk at once. */
  readonly buffered: boolean;
  state: 'unwritten' | 'writing' | 'written';
  /** A write failed, and that was said. */
  failed: boolean;
  /** Acknowledged messages and those whose acknowledgement is on disk: a bit each, by index. */
  acked: number;
  ackedOnDisk: number;
}

/** The check points of one queue and group, oldest first. */
interface Line {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly entries: Entry[];
}

const newEntry = (point: PopCheckPoint, line: Line, nextOffset: number): Entry => ({
  point,
  line,
  nextOffset,
  key: '',
  reviveQueueId: 0,
  buffered: false,
  state: 'unwritten',
  failed: false,
  acked: 0,
  ackedOnDisk: 0,
});

/** A bit for each message of a check point. */
const allBits = (point: PopCheckPoint): number => (point.n >= 32 ? -1 : (1 << point.n) - 1);

/**
 * Between a pop and the consumer offset (`PopBufferMergeService`). The offset of a group moves past popped messages only when
 * their check point is on disk, in the order of the pops, so that a crash returns messages rather than loses them; until
 * then the next pop goes on from {@link latestOffset}.
 *
 * With `enablePopBufferMerge` check points wait in memory. Those that are acknowledged completely are never written; the others
 * are written with their acknowledgements before their messages become visible.
 */
export class CheckPoints {
  private readonly lines = new Map<string, Line>();
  private readonly open = new Map<string, Entry>();
  private bufferedCount = 0;
  private readonly writes = new Set<Promise<void>>();

  constructor(
    private readonly parts: Parts,
    private readonly log: ReviveLog,
  ) {}

  /** Where the next pop goes on; -1 when the consumer offset says it all. */
  latestOffset(key: string): number {
    return this.lines.get(key)?.entries.at(-1)?.nextOffset ?? -1;
  }

  /**
   * Takes a check point. Resolves when it is safe, which is at once when it is buffered; a failed write is repeated by
   * {@link sweep}.
   * @returns undefined when the same pop is already there: its messages must not be given away twice
   */
  add(point: PopCheckPoint, reviveQueueId: number, nextOffset: number): Promise<void> | undefined {
    const key = mergeKeyOf(point, point.bn);
    if (this.open.has(key)) return undefined;
    const line = this.lineOf(point);
    const buffered = this.mayBuffer(point, line);
    const entry: Entry = { ...newEntry(point, line, nextOffset), key, reviveQueueId, buffered };
    line.entries.push(entry);
    this.open.set(key, entry);
    if (!buffered) return this.write(entry);
    this.bufferedCount += 1;
    return Promise.resolve();
  }

  /** Moves past messages that nobody wanted: there is nothing to acknowledge, only the offset follows in its turn. */
  skip(topic: string, group: string, queueId: number, startOffset: number, nextOffset: number): void {
    const nothing: PopCheckPoint = {
      t: topic,
      c: group,
      q: queueId,
      so: startOffset,
      pt: 0,
      it: 0,
      n: 0,
      d: [],
      bm: 0,
      ro: 0,
      sp: false,
    };
    const line = this.lineOf(nothing);
    line.entries.push({ ...newEntry(nothing, line, nextOffset), state: 'written' });
    this.advance(line);
  }

  /** @returns true when all was noted in memory; else the caller writes the acknowledgement to the disk */
  acknowledge(ack: PopAck): boolean {
    const { options, clock } = this.parts;
    if (!options.enablePopBufferMerge) return false;
    const entry = this.open.get(mergeKeyOf(ack, ack.bn || options.brokerName));
    if (entry === undefined || !entry.buffered) return false;
    const now = clock.now();
    if (reviveTimeOf(entry.point) - now < options.popCkStayBufferTimeOut + MARGIN_MS) return false;
    if (now - entry.point.pt > options.popCkStayBufferTime - MARGIN_MS) return false;
    for (const offset of ack.aol ?? [ack.ao]) {
      const index = indexOfAck(entry.point, offset);
      if (index >= 0) entry.acked |= 1 << index;
      else this.parts.logger.warn('acknowledged message is not in its check point', { ack });
    }
    if (this.isAcked(entry)) {
      this.close(entry);
      this.advance(entry.line);
    }
    return true;
  }

  /** The group was moved: check points under way say nothing about its offset any more. */
  forget(key: string): void {
    this.lines.delete(key);
  }

  /** Writes what was in memory for long enough, and repeats writes that failed. */
  async sweep(all = false): Promise<void> {
    const { options, clock } = this.parts;
    const now = clock.now();
    for (const entry of this.open.values()) {
      const due =
        all ||
        !entry.buffered ||
        reviveTimeOf(entry.point) - now < options.popCkStayBufferTimeOut ||
        now - entry.point.pt > options.popCkStayBufferTime;
      if (due && entry.state !== 'writing') await this.settle(entry);
    }
  }

  /** Resolves when everything is written that can be. The store is closed after this. */
  async drain(): Promise<void> {
    await Promise.all(this.writes);
    await this.sweep(true);
  }

  private mayBuffer(point: PopCheckPoint, line: Line): boolean {
    const { options, clock } = this.parts;
    return (
      options.enablePopBufferMerge &&
      reviveTimeOf(point) - clock.now() >= options.popCkStayBufferTimeOut + MARGIN_MS &&
      this.bufferedCount <= options.popCkMaxBufferSize &&
      line.entries.length < options.popCkOffsetMaxQueueSize
    );
  }

  /** Writes the check point, then the acknowledgements that came for it. */
  private async settle(entry: Entry): Promise<void> {
    if (entry.state === 'unwritten') await this.write(entry);
    if (!entry.buffered || entry.state !== 'written') return;
    const { point } = entry;
    const indexes = Array.from({ length: point.n }, (_, index) => index).filter(
      (index) => (entry.acked & ~entry.ackedOnDisk & (1 << index)) !== 0,
    );
    const groups = this.parts.options.enablePopBatchAck ? [indexes] : indexes.map((index) => [index]);
    for (const group of groups) if (group.length > 0) await this.writeAck(entry, group);
    if (entry.acked !== entry.ackedOnDisk) return;
    this.close(entry);
    this.advance(entry.line);
  }

  private write(entry: Entry): Promise<void> {
    entry.state = 'writing';
    const done = this.log.putCheckPoint(entry.point, entry.reviveQueueId).then((result) => {
      this.writes.delete(done);
      if (!isStored(result)) {
        entry.state = 'unwritten';
        if (!entry.failed) {
          this.parts.logger.error('check point is not stored yet', { point: entry.point, status: result.status });
        }
        entry.failed = true;
        return;
      }
      entry.state = 'written';
      if (entry.buffered) return;
      this.close(entry);
      this.advance(entry.line);
    });
    this.writes.add(done);
    return done;
  }

  private async writeAck(entry: Entry, indexes: readonly number[]): Promise<void> {
    const { point, reviveQueueId } = entry;
    const offsets = indexes.map((index) => ackOffsetAt(point, index));
    const common = { t: point.t, c: point.c, q: point.q, so: point.so, pt: point.pt };
    const ack: PopAck = this.parts.options.enablePopBatchAck
      ? { ...common, ao: 0, aol: offsets }
      : { ...common, ao: offsets[0]!, bn: point.bn };
    const result = await this.log.putAck(ack, reviveQueueId, reviveTimeOf(point));
    if (!isStored(result)) {
      this.parts.logger.error('acknowledgement is not stored yet', { ack, status: result.status });
      return;
    }
    for (const index of indexes) entry.ackedOnDisk |= 1 << index;
  }

  /** Commits as far as check points are done without a gap. */
  private advance(line: Line): void {
    const { offsets } = this.parts;
    const { topic, group, queueId, entries } = line;
    const key = queueKey(topic, group, queueId);
    if (this.lines.get(key) !== line) return;
    let reached = -1;
    while (entries.length > 0 && this.isDone(entries[0]!)) reached = Math.max(reached, entries.shift()!.nextOffset);
    if (entries.length === 0) this.lines.delete(key);
    if (reached > offsets.query(group, topic, queueId)) offsets.commit(group, topic, queueId, reached);
  }

  private isDone(entry: Entry): boolean {
    return this.isAcked(entry) || (entry.state === 'written' && entry.acked === entry.ackedOnDisk);
  }

  private isAcked({ acked, point }: Entry): boolean {
    return point.n > 0 && acked === allBits(point);
  }

  private close(entry: Entry): void {
    if (this.open.delete(entry.key) && entry.buffered) this.bufferedCount -= 1;
  }

  private lineOf({ t: topic, c: group, q: queueId }: PopCheckPoint): Line {
    return getOrCreate(this.lines, queueKey(topic, group, queueId), () => ({ topic, group, queueId, entries: [] }));
  }
}
