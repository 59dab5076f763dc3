import { describe, expect, it } from '@jest/globals';
import { waitFor } from '../src/wait-for.js';

describe('waitFor', () => {
  it('resolves with the first truthy value', async () => {
    let turn = 0;
    expect(await waitFor(() => (++turn === 3 ? 'third' : undefined), { what: 'the third turn' })).toBe('third');
  });

  it('waits for promises and takes errors for not yet', async () => {
    let turn = 0;
    const condition = async (): Promise<boolean> => {
      if (++turn < 3) throw new Error('not yet');
      return true;
    };
    expect(await waitFor(condition, { what: 'two failures to pass' })).toBe(true);
  });

  it('gives up naming what it waited for, the time and what it saw', async () => {
    await expect(waitFor(() => 0, { timeoutMs: 20, what: 'the number to be positive' })).rejects.toThrow(
      'gave up waiting for the number to be positive after 20 ms; saw 0',
    );
  });

  it('keeps the last error as the cause', async () => {
    const cause = new Error('boom');
    const condition = (): never => {
      throw cause;
    };
    await expect(waitFor(condition, { timeoutMs: 20, what: 'peace' })).rejects.toMatchObject({ cause });
  });

  it('looks at least once, however short the time', async () => {
    expect(await waitFor(() => true, { timeoutMs: 0, what: 'nothing' })).toBe(true);
  });
});
