import { describe, expect, it } from '@jest/globals';
import { encodeBatchBody, MessageSysFlag } from '@rocketnest/protocol';
import { unwrapBatches } from '../../src/consumer/inner-batch.js';
import { pulled } from './stored-message.js';

const batch = pulled(10, {
  sysFlag: MessageSysFlag.INNER_BATCH | MessageSysFlag.NEED_UNWRAP,
  properties: { INNER_NUM: '3' },
  body: encodeBatchBody(
    ['a', 'b', 'c'].map((text) => ({
      body: Buffer.from(text),
      flag: 7,
      properties: { TAGS: text, UNIQ_KEY: `id-${text}` },
    })),
  ),
});

describe('a batch that the broker keeps as one message', () => {
  it('is taken apart, other messages stay as they are', () => {
    const single = pulled(13);
    const messages = unwrapBatches([batch, single], 10);
    expect(messages.map(({ body, queueOffset, flag, msgId }) => [body.toString(), queueOffset, flag, msgId])).toEqual([
      ['a', 10, 7, 'id-a'],
      ['b', 11, 7, 'id-b'],
      ['c', 12, 7, 'id-c'],
      ['body 13', 13, 0, 'id-13'],
    ]);
    expect(messages[1]!.properties).toEqual({ TAGS: 'b', UNIQ_KEY: 'id-b' });
    expect(messages[3]).toBe(single);
  });

  it('brings only what is not consumed yet', () => {
    expect(unwrapBatches([batch], 12).map(({ body }) => body.toString())).toEqual(['c']);
  });
});
