import { basename } from 'node:path';
import { nodeFiles } from '../files.js';
import { decodeTimerUnit, type TimerUnit, UNIT_BYTES } from './timer-unit.js';

const WINDOW_BYTES = UNIT_BYTES * 20_000;

/**
 * Reads the units of one timer log file, up to where it was never written. Read only, works beside a running broker.
 *
 * @param path a file named by the position of its first unit, `…/timerlog/00000000000104857600`
 */
export function* dumpTimerLog(path: string): Generator<TimerUnit & { readonly position: number }> {
  const base = Number(basename(path));
  const file = nodeFiles.openSync(path, 'read');
  try {
    const window = Buffer.alloc(WINDOW_BYTES);
    for (let start = 0; ; start += WINDOW_BYTES) {
      const units = window.subarray(0, file.readSync(window, start));
      for (let at = 0; at < WINDOW_BYTES; at += UNIT_BYTES) {
        const unit = decodeTimerUnit(units, at);
        if (unit === null) return;
        yield { position: base + start + at, ...unit };
      }
    }
  } finally {
    file.closeSync();
  }
}
