import { afterEach, describe, expect, it } from '@jest/globals';
import { TimerLog } from '../../src/timer/timer-log.js';
import { decodeTimerUnit, encodeTimerUnit, type TimerUnit } from '../../src/timer/timer-unit.js';
import { FaultyFiles } from '../support/faulty-files.js';
import { removeDirectories, temporaryDirectory } from '../support/store.js';
import { quiet } from './support.js';

const NOW = 1_900_000_000_000;
const unit = (n: number): TimerUnit => ({
  previous: n - 1,
  magic: 1,
  enqueuedMs: NOW,
  slotMs: NOW + 5_000,
  commitLogOffset: n * 1_000,
  size: 200,
  topicHash: 7 - n,
  dueMs: NOW + 5_000 + n,
});
const PER_FILE = 19;
const FILE_BYTES = 1_024;

function open(
  directory = `${temporaryDirectory()}/timerlog`,
  files = new FaultyFiles(),
): { log: TimerLog; files: FaultyFiles } {
  const log = new TimerLog(files, directory, FILE_BYTES);
  log.loadSync(quiet);
  log.startSync(log.scanSync(0, () => {}));
  return { log, files };
}

describe('the timer log', () => {
  afterEach(removeDirectories);

  it('writes units as Apache does, with the exact time in the reserved bytes', () => {
    const bytes = Buffer.alloc(52);
    const given = { ...unit(1), previous: -1, magic: 5, topicHash: 0x01020304, dueMs: 0 };
    encodeTimerUnit(given, bytes, 0);
    expect(bytes.toString('hex')).toBe(
      `00000034${'f'.repeat(16)}00000005${NOW.toString(16).padStart(16, '0')}00001388` +
        `00000000000003e8000000c801020304${'0'.repeat(16)}`,
    );
    expect(decodeTimerUnit(bytes, 0)).toEqual(given);
  });

  it('gives back units from all its files, and ends them as Apache expects', async () => {
    const { log } = open();
    const positions = Array.from({ length: PER_FILE * 3 + 2 }, (_, n) => log.append(unit(n)));
    expect(positions.slice(PER_FILE - 1, PER_FILE + 1)).toEqual([(PER_FILE - 1) * 52, FILE_BYTES]);
    await log.written();
    const read = log.reader();
    expect(await read(positions[0]!)).toEqual(unit(0));
    expect(await read(positions.at(-1)!)).toEqual(unit(positions.length - 1));
    expect(await read(FILE_BYTES * 9)).toBeNull();
    const scanned: number[] = [];
    await log.scan(0, log.end, ({ commitLogOffset }) => scanned.push(commitLogOffset / 1_000));
    expect(scanned).toEqual(positions.map((_, n) => n));
    log.close();
  });

  it('finds its end again after a kill, from the file that it is told to begin with', async () => {
    const { log } = open();
    for (let n = 0; n < PER_FILE * 2 + 3; n++) log.append(unit(n));
    await log.written();
    const { end } = log;
    log.close();
    const found: number[] = [];
    const again = new TimerLog(new FaultyFiles(), log.segments.directory, FILE_BYTES);
    again.loadSync(quiet);
    expect(again.scanSync(FILE_BYTES + 60, (_unit, position) => found.push(position))).toBe(end);
    expect(found).toHaveLength(PER_FILE + 3);
    expect(found[0]).toBe(FILE_BYTES);
    expect(again.scanSync(Number.MAX_SAFE_INTEGER, () => {})).toBe(end);
    again.close();
  });

  it('keeps what a failing disk does not take, and writes it when it can', async () => {
    const { log, files } = open();
    log.append(unit(0));
    await log.written();
    files.rule = (operation) => (operation === 'write' ? new Error('ENOSPC') : null);
    const position = log.append(unit(1));
    await expect(log.written()).rejects.toThrow('ENOSPC');
    expect(log.backlog).toBe(1);
    expect(await log.reader()(position)).toEqual(unit(1)); // its time may come before that of the disk
    files.rule = () => null;
    log.append(unit(2));
    await log.sync();
    expect(log.backlog).toBe(0);
    const read = log.reader();
    expect([await read(position), await read(position + 52)]).toEqual([unit(1), unit(2)]);
    log.close();
  });

  it('deletes files whose newest message the commit log no longer has, but not the last', async () => {
    const { log } = open();
    for (let n = 0; n < PER_FILE * 3; n++) log.append(unit(n));
    await log.written();
    await log.deleteBefore((PER_FILE - 1) * 1_000);
    expect(log.segments.bases).toHaveLength(3);
    await log.deleteBefore((PER_FILE - 1) * 1_000 + 1);
    expect(log.segments.bases).toEqual([FILE_BYTES, FILE_BYTES * 2]);
    await log.deleteBefore(Number.MAX_SAFE_INTEGER);
    expect(log.segments.bases).toEqual([FILE_BYTES * 2]);
    expect(await log.reader()(0)).toBeNull();
    log.close();
  });
});
