import { describe, expect, it } from '@jest/globals';
import { ConnectionError, PartialError } from '@rocketnest/protocol';
import { changeAll, gather, requireComplete } from '../../src/admin/gathered.js';

const targets = ['a', 'b', 'c'].map((brokerName) => ({ brokerName, address: `${brokerName}:1` }));
const down = (name: string) => new ConnectionError(`${name} is down`);
const failing =
  (...names: string[]) =>
  async ({ brokerName }: { brokerName: string }) => {
    if (names.includes(brokerName)) throw down(brokerName);
    return [brokerName];
  };

describe('gather', () => {
  it('joins the answers in the order of the targets and lists who failed', async () => {
    expect(await gather(targets, failing())).toEqual({ items: ['a', 'b', 'c'], failures: [] });
    const part = await gather(targets, failing('b'));
    expect(part).toEqual({ items: ['a', 'c'], failures: [{ brokerName: 'b', address: 'b:1', error: down('b') }] });
    expect(() => requireComplete(part)).toThrow('b is down');
  });

  it('rejects when nobody answered, and is empty when there was nobody to ask', async () => {
    await expect(gather(targets, failing('a', 'b', 'c'))).rejects.toThrow(ConnectionError);
    expect(await gather([], failing())).toEqual({ items: [], failures: [] });
  });
});

describe('changeAll', () => {
  it('says where the change was made and where not', async () => {
    await changeAll(targets, 'It is done', failing());
    const error = await changeAll(targets, 'It is done', failing('b')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PartialError);
    expect(error).toMatchObject({
      code: 'PARTIAL',
      retriable: true,
      done: ['a', 'c'],
      failures: [{ brokerName: 'b' }],
    });
    expect((error as Error).message).toBe(
      'It is done on a, c, but not on b (b is down). Repeat it: it is safe to repeat.',
    );
    await expect(changeAll(targets, 'It is done', failing('a', 'b', 'c'))).rejects.toThrow(ConnectionError);
  });
});
