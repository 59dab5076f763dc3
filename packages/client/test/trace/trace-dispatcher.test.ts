import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { silentLogger } from '@rocketnest/remoting';
import { TraceDispatcher } from '../../src/trace/trace-dispatcher.js';
import { decodeTraceData, type RecallTrace } from '../../src/trace/trace-record.js';

const record = (msgId: string, more: Partial<RecallTrace> = {}): RecallTrace => ({
  type: 'Recall',
  timestamp: 1,
  regionId: 'R',
  group: 'g',
  topic: 't',
  msgId,
  success: true,
  ...more,
});

/** A dispatcher whose trace messages stay under way until `answer` is called. */
class Bed {
  readonly messages: { ids: string[]; keys: readonly string[]; answer: (error?: Error) => void }[] = [];
  readonly warnings: string[] = [];
  readonly dispatcher: TraceDispatcher;

  constructor(batchSize = 3) {
    this.dispatcher = new TraceDispatcher({
      group: 'g',
      batchSize,
      logger: { ...silentLogger, warn: (message) => this.warnings.push(message) },
      send: (body, keys) =>
        new Promise((resolve, reject) => {
          const ids = decodeTraceData(body).map(({ msgId }) => msgId);
          this.messages.push({ ids, keys, answer: (error) => (error === undefined ? resolve() : reject(error)) });
        }),
    });
  }

  append(...ids: string[]): void {
    for (const id of ids) this.dispatcher.append('t', record(id));
  }

  /** Answers whatever is under way until nothing is. */
  async finish(): Promise<void> {
    const flushed = this.dispatcher.flush(10_000);
    for (let i = 0; i < this.messages.length; i++) {
      this.messages[i]!.answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await flushed;
  }

  get ids(): string[][] {
    return this.messages.map(({ ids }) => ids);
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('TraceDispatcher', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('sends a message per full batch, in order, found by the ids in it', async () => {
    const bed = new Bed();
    bed.append('a', 'b');
    await turn();
    expect(bed.ids).toEqual([]);
    bed.append('c', 'd');
    await turn();
    await bed.finish();
    expect(bed.ids).toEqual([['a', 'b', 'c'], ['d']]);
    expect(bed.messages[0]!.keys).toEqual(['a', 'b', 'c']);
    expect(bed.dispatcher.stats).toEqual({ recorded: 4, sent: 4, dropped: 0, failed: 0 });
  });

  it('sends a batch that does not fill up after five seconds', () => {
    jest.useFakeTimers();
    const bed = new Bed();
    bed.append('a');
    jest.advanceTimersByTime(4_999);
    expect(bed.ids).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(bed.ids).toEqual([['a']]);
  });

  it('keeps records of different topics in different messages', async () => {
    const bed = new Bed();
    for (const [id, topic] of [
      ['a', 'one'],
      ['b', 'two'],
      ['c', 'one'],
    ] as const) {
      bed.dispatcher.append(topic, record(id));
    }
    await bed.finish();
    expect(bed.ids).toEqual([['a', 'c'], ['b']]);
  });

  it('cuts messages whose keys would not fit into properties', async () => {
    const bed = new Bed(20);
    const keys = 'k'.repeat(5_000);
    bed.dispatcher.append('t', record('a', { keys }));
    bed.dispatcher.append('t', record('b', { keys }));
    await bed.finish();
    expect(bed.ids).toEqual([['a'], ['b']]);
  });

  it('drops records rather than grow, says so once, and goes on when there is room', async () => {
    const bed = new Bed(1);
    for (let i = 0; i < 20_000; i++) bed.append(String(i));
    await turn();
    expect(bed.dispatcher.stats).toMatchObject({ recorded: 20_000, dropped: 20_000 - 16_384 });
    await bed.finish();
    expect(bed.dispatcher.append('t', record('late'))).toBe(true);
    await bed.finish();
    expect(bed.dispatcher.stats).toEqual({ recorded: 20_001, sent: 16_385, dropped: 3_616, failed: 0 });
    expect(bed.ids.flat()).toEqual([...Array.from({ length: 16_384 }, (_, i) => String(i)), 'late']);
    expect(bed.warnings).toEqual([expect.stringContaining('trace records of group g are lost')]);
  });

  it('has at most 32 messages under way, larger ones when more records wait', async () => {
    const bed = new Bed(1);
    for (let i = 0; i < 32; i++) bed.append(String(i));
    await turn();
    expect(bed.messages).toHaveLength(32);
    for (let i = 32; i < 128; i++) bed.append(String(i));
    await turn();
    expect(bed.messages).toHaveLength(32);
    bed.messages[0]!.answer();
    await turn();
    // The backlog of 96 in shares: 3 for each that may be under way.
    expect(bed.ids.at(-1)).toEqual(['32', '33', '34']);
    await bed.finish();
    expect(bed.ids.flat()).toHaveLength(128);
  });

  it('counts what could not be sent, and tells it', async () => {
    const bed = new Bed(2);
    bed.append('a', 'b');
    await turn();
    bed.messages[0]!.answer(new Error('no such topic'));
    await turn();
    expect(bed.dispatcher.stats).toEqual({ recorded: 2, sent: 0, dropped: 0, failed: 2 });
    expect(bed.warnings).toHaveLength(1);
  });

  it('gives up what a broker does not take in time', async () => {
    const bed = new Bed(1);
    for (let i = 0; i < 32; i++) bed.append(String(i));
    await turn();
    for (let i = 0; i < 8; i++) bed.append(`late ${i}`);
    await bed.dispatcher.flush(20);
    expect(bed.dispatcher.stats).toMatchObject({ sent: 0, dropped: 8 });
  });
});
