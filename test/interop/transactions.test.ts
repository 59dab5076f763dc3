import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PropertyName } from '@rocketnest/protocol';
import { unique, waitFor } from '@rocketnest/testing';
import { clientPairs } from '../support/pairs.js';
import { type Consumer, type Content, receivedContent, sentContent } from '../support/peer.js';
import { Servers, targets } from '../support/servers.js';

const { pairs, close } = clientPairs();

afterAll(close);

/**
 * Apache's broker writes decisions down in batches, so it may ask for one that it has, and deliver a message twice: one of
 * each counts. Its notes about the transaction are visible to consumers, but not what this compares.
 */
function distinctContent({ received }: Consumer): Content[] {
  const notes: readonly string[] = [PropertyName.TRANSACTION_ID, PropertyName.TRANSACTION_CHECK_TIMES];
  const byBody = new Map(
    receivedContent(received).map(({ properties, ...content }) => [
      content.body,
      {
        ...content,
        properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !notes.includes(name))),
      },
    ]),
  );
  return [...byBody.values()];
}

describe.each(targets)('on the servers of %s', (target) => {
  let servers: Servers;
  let namesrvAddr: string;

  beforeAll(async () => {
    servers = await Servers.start(target, { broker: { transactionTimeOut: 1_000, transactionCheckInterval: 3_000 } });
    namesrvAddr = servers.namesrvAddr;
  });

  afterAll(async () => {
    await servers?.[Symbol.asyncDispose]();
  });

  describe.each(pairs)('from $from to $to', ({ producer, consumer }) => {
    it('of transactional sends, those committed at once or by a check-back arrive, and no others', async () => {
      const topic = unique('T-transaction');
      const extras = { tags: 'TagA', properties: { 租户: 'a' } };
      const messages = [
        { topic, body: Buffer.from('committed'), outcome: 'COMMIT', keys: 'tx-1', ...extras },
        { topic, body: Buffer.from('rolled back'), outcome: 'ROLLBACK' },
        {
          topic,
          body: Buffer.from('committed later'),
          outcome: 'UNKNOWN',
          checkOutcome: 'COMMIT',
          keys: 'tx-3',
          ...extras,
        },
        { topic, body: Buffer.from('rolled back later'), outcome: 'UNKNOWN', checkOutcome: 'ROLLBACK' },
      ] as const;
      await using producing = await producer.sendInTransaction({ namesrvAddr, group: unique('P') }, messages);
      await using receiver = await consumer.consume({ namesrvAddr, group: unique('G'), topic });

      const wasChecked = (text: string) => producing.checked.some(({ body }) => body.toString() === text);
      await waitFor(() => wasChecked('committed later') && wasChecked('rolled back later'), {
        timeoutMs: 120_000,
        what: 'check-backs of both unknown transactions',
      });
      await waitFor(() => distinctContent(receiver).length >= 2, {
        timeoutMs: 120_000,
        what: 'two different messages',
      });
      expect(distinctContent(receiver)).toEqual(sentContent([messages[0], messages[2]]));
    });
  });
});
