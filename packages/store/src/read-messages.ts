import { readStored } from '@rocketnest/protocol';
import type { CommitLog } from './commit-log.js';

/** Neighbours this close to each other in the log share a read … */
const GAP_BYTES = 4 * 1024;
/** … of at most so many bytes. */
const READ_BYTES = 256 * 1024;

/** Where a message is. */
export interface MessagePlace {
  readonly commitLogOffset: number;
  readonly size: number;
}

interface Run {
  readonly start: number;
  end: number;
  readonly indexes: number[];
}

/** The stored messages at these places, null where there is no such message (any more). Slices; places in log order read best. */
export async function readMessages(log: CommitLog, places: readonly MessagePlace[]): Promise<(Buffer | null)[]> {
  const found: (Buffer | null)[] = places.map(({ commitLogOffset, size }) => log.readTail(commitLogOffset, size));
  const runs: Run[] = [];
  places.forEach(({ commitLogOffset, size }, index) => {
    if (found[index] !== null) return;
    const end = commitLogOffset + size;
    const run = runs.at(-1);
    const joins =
      run !== undefined &&
      commitLogOffset >= run.end &&
      commitLogOffset - run.end <= GAP_BYTES &&
      end - run.start <= READ_BYTES &&
      log.segments.baseOf(commitLogOffset) === log.segments.baseOf(run.start);
    if (joins) {
      run.end = end;
      run.indexes.push(index);
    } else runs.push({ start: commitLogOffset, end, indexes: [index] });
  });
  await Promise.all(
    runs.map(async ({ start, end, indexes }) => {
      const bytes = await log.read(start, end - start);
      for (const index of indexes) {
        const { commitLogOffset, size } = places[index]!;
        found[index] = bytes?.subarray(commitLogOffset - start, commitLogOffset - start + size) ?? null;
      }
    }),
  );
  return found.map((message, index) => (message && isMessage(message, places[index]!) ? message : null));
}

const isMessage = (bytes: Buffer, { commitLogOffset, size }: MessagePlace): boolean =>
  readStored.totalSize(bytes, 0) === size && readStored.commitLogOffset(bytes, 0) === commitLogOffset;
