import { describe, expect, it } from '@jest/globals';
import { compressionType, MessageSysFlag, transactionValue, withTransactionValue } from '../src/sys-flag.js';

describe('message sys flag', () => {
  it.each([
    [0, 'ZLIB'],
    [MessageSysFlag.COMPRESSION_LZ4, 'LZ4'],
    [MessageSysFlag.COMPRESSION_ZSTD, 'ZSTD'],
    [MessageSysFlag.COMPRESSION_ZLIB, 'ZLIB'],
    [0x400, undefined],
  ])('0x%s tells the compression', (bits, type) => {
    expect(compressionType(bits | MessageSysFlag.COMPRESSED | MessageSysFlag.TRANSACTION_COMMIT)).toBe(type);
  });

  it('replaces the transaction state and keeps the other bits', () => {
    const prepared = MessageSysFlag.COMPRESSED | MessageSysFlag.BORNHOST_V6 | MessageSysFlag.TRANSACTION_PREPARED;
    const rolledBack = withTransactionValue(prepared, MessageSysFlag.TRANSACTION_ROLLBACK);
    expect(transactionValue(rolledBack)).toBe(MessageSysFlag.TRANSACTION_ROLLBACK);
    expect(withTransactionValue(rolledBack, MessageSysFlag.TRANSACTION_PREPARED)).toBe(prepared);
    expect(transactionValue(withTransactionValue(prepared, MessageSysFlag.TRANSACTION_NOT))).toBe(0);
  });
});
