import { randomUUID } from 'node:crypto';
import type { Shop } from '../shop.js';
import type { Chapter } from './chapter.js';
import { expect, expectNoAnswer, expectRefusal, notificationsOf, PATIENCE_MS, pointsOf } from './chapter.js';

/** Nothing is lost, and nothing happens twice. */
export const reliabilityChapters: readonly Chapter[] = [
  {
    title: 'Transactional: the message is delivered if and only if the order is committed',
    async tell(shop) {
      await notificationsOf(shop, (await shop.place({ pid: 2 })).orderId);
      shop.narrator.done('commit: the notification was sent');

      const refused = randomUUID();
      await expectRefusal('an order beyond the stock', 409, shop.place({ number: 150_000, orderId: refused }));
      shop.narrator.say(`order ${refused} is beyond the stock: the database rolls back, and so does the message`);

      const orphan = randomUUID();
      const end = shop.orderDies();
      await expectNoAnswer(shop.place({ pid: 2, orderId: orphan }));
      expect('end of shop-order', await end, 'SIGKILL');
      shop.narrator.say(
        `shop-order was killed (-9) after it committed order ${orphan} and before the broker heard of it`,
      );
      await shop.openOrder();
      await notificationsOf(shop, orphan);
      shop.narrator.done('killed in between: the broker asked the restarted service, and the message was delivered');

      const toRefused = (await shop.rows('notifications')).filter((row) => row.order_id === refused);
      expect('notifications about the order rolled back', toRefused.length, 0);
      shop.narrator.done('rollback: nothing was delivered');
    },
  },
  {
    title:
      'Local message table: the payment and the message about it are one transaction; the message may be sent twice, its effect happens once',
    async tell(shop) {
      const before = await pointsOf(shop, 'ada');
      const big = await shop.place({ customer: 'ada', pid: 1, number: 100 });
      const end = shop.orderDies();
      await expectNoAnswer(shop.advance(big.orderId, 'pay'));
      expect('end of shop-order', await end, 'SIGKILL');
      shop.narrator.say('shop-order was killed (-9) after it committed the payment and before anything was sent');
      await shop.openOrder();
      const earned = Math.floor(big.totalCents / 100);
      await points(shop, before + earned);
      shop.narrator.done('the restarted service sent what its table had: the points are there');

      const small = await shop.place({ customer: 'ada', pid: 2 });
      await shop.advance(small.orderId, 'pay');
      const both = before + earned + Math.floor(small.totalCents / 100);
      await points(shop, both);
      if (shop.hasSql92) {
        const texts = await notificationsOf(shop, big.orderId, 2);
        expect('cards to ada', texts.filter((text) => text.startsWith('thank-you card')).length, 1);
        expect('notifications about the small order', (await notificationsOf(shop, small.orderId)).length, 1);
        shop.narrator.done('a SQL92 filter lets only big payments through to the thank-you cards');
      } else {
        shop.narrator.say('no thank-you cards: brokers filter by SQL92 with enablePropertyFilter=true only');
      }

      const consumed = await consumedBy(shop, 'shop-user-points');
      const again = { orderId: big.orderId, customer: 'ada', totalCents: big.totalCents };
      for (let i = 0; i < 2; i++) await shop.send('payment-topic', '', big.orderId, again);
      // Two more, of which one may be the small payment, counted a moment after its points were there.
      await shop.eventually('second delivery of the payment', PATIENCE_MS, async () => {
        return (await consumedBy(shop, 'shop-user-points')) >= consumed + 2;
      });
      expect("ada's points after the payment came again", await pointsOf(shop, 'ada'), both);
      shop.narrator.done('a payment that was sent three times counted once');
    },
  },
  {
    title: 'Retry and dead letter: what cannot be done is tried three times, what cannot be understood once',
    async tell(shop) {
      const letterOf = (orderId: string) =>
        shop.eventually(`dead letter of order ${orderId}`, PATIENCE_MS, async () => {
          const mine = (await shop.rows('dead_letters')).filter((row) => row.order_id === orderId);
          if (mine.length > 1) throw new Error(`there are ${mine.length} dead letters of order ${orderId}`);
          return mine[0];
        });
      const poisoned = await shop.place({ customer: 'mallory' });
      const { reason } = await letterOf(poisoned.orderId);
      expect('its reason', reason, 'Error: the SMS gateway refuses the number "poison"');
      shop.narrator.done('delivered three times, then reported by the dead letter listener');

      // Another program, which does not know what an order id is.
      const wrong = `order-${randomUUID()}`;
      await shop.send('order-topic', 'SMS', wrong, {
        orderId: wrong,
        product: 'Desk lamp',
        totalCents: 1,
        to: '13800000000',
      });
      const letter = await letterOf(wrong);
      if (!letter.reason.includes('orderId must be a UUID')) throw new Error(`its reason is ${letter.reason}`);
      const sent = (await shop.rows('notifications')).filter((row) => [wrong, poisoned.orderId].includes(row.order_id));
      expect('SMS about the two', sent.length, 0);
      shop.narrator.done('a message that is no order went there at once, with what is wrong with it');
    },
  },
];

const consumedBy = (shop: Shop, group: string): Promise<number> =>
  shop.metric('rocketnest_consumed_messages_total', `"${group}"`);

async function points(shop: Shop, wanted: number): Promise<void> {
  await shop.eventually(`${wanted} points for ada`, PATIENCE_MS, async () => (await pointsOf(shop, 'ada')) >= wanted);
  expect("ada's points", await pointsOf(shop, 'ada'), wanted);
}
