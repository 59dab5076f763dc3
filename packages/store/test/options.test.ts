import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { parseStoreOptions, storeOptionTable } from '../src/index.js';

describe('store options', () => {
  it('default to what the table says, frozen', () => {
    const options = parseStoreOptions({});
    for (const [key, row] of Object.entries(storeOptionTable))
      expect([key, options[key as keyof typeof options]]).toEqual([key, row.default]);
    expect(Object.isFrozen(options)).toBe(true);
  });

  it('has a default for every row that passes its own check, and a sentence about it', () => {
    for (const [key, row] of Object.entries(storeOptionTable)) {
      expect([key, row.check(row.default)]).toEqual([key, null]);
      expect(row.doc).toMatch(/\.$/);
      expect(row.unit).not.toBe('');
    }
  });

  // Defaults of Apache's MessageStoreConfig 5.5.0: changing one by accident would break directories or behaviour.
  it.each([
    ['mappedFileSizeCommitLog', 1_073_741_824],
    ['mappedFileSizeConsumeQueue', 6_000_000],
    ['maxHashSlotNum', 5_000_000],
    ['maxIndexNum', 20_000_000],
    ['maxMessageSize', 4_194_304],
    ['flushDiskType', 'ASYNC_FLUSH'],
    ['fileReservedTime', 72],
    ['maxTransferBytesOnMessageInMemory', 262_144],
    ['maxTransferCountOnMessageInMemory', 32],
    ['maxTransferBytesOnMessageInDisk', 65_536],
    ['maxTransferCountOnMessageInDisk', 8],
  ] as const)('%s is %s by default, as in Apache', (key, value) => {
    expect(parseStoreOptions({})[key]).toBe(value);
  });

  it.each([
    [
      { mappedFileSizeCommitLog: 12 },
      /mappedFileSizeCommitLog must be a whole number of bytes from 4096 to 2147483647, got 12/,
    ],
    [{ mappedFileSizeConsumeQueue: 30 }, /multiple of 20/],
    [{ flushDiskType: 'NEVER' }, /ASYNC_FLUSH or SYNC_FLUSH, got "NEVER"/],
    [{ messageIndexEnable: 'yes' }, /true or false/],
    [{ messageDelayLevel: '1s  5s' }, /messageDelayLevel must be delays/],
    [{ deleteWhen: '24' }, /deleteWhen/],
    [{ mapedFileSizeCommitLog: 1 }, /unknown store option mapedFileSizeCommitLog/],
  ])('refuse %j and say what is allowed', (input, text) => {
    expect(() => parseStoreOptions(input)).toThrow(ConfigurationError);
    expect(() => parseStoreOptions(input)).toThrow(text);
  });
});
