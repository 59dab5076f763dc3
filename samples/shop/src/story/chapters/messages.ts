import { ORDER_STEPS, type OrderPlaced } from '../../common/contract.js';
import type { Chapter } from './chapter.js';
import { expect, expectRefusal, inParallel, notificationsOf, PATIENCE_MS } from './chapter.js';

const ORDERS = 100;
const VIEWS = 300;

/** The kinds of messages. */
export const messageChapters: readonly Chapter[] = [
  {
    title:
      'Normal: an order is placed; shop-order asks shop-user how to reach the customer, and the tag says SMS or e-mail',
    async tell(shop) {
      const { orderId } = await shop.visit<OrderPlaced>('order?pid=1&customer=ada&onAccount=true');
      const toAda = await notificationsOf(shop, orderId);
      expect(
        'the notification to ada',
        toAda.join(),
        'e-mail to ada@example.org: your order of Mechanical keyboard is placed',
      );
      const toBob = await notificationsOf(shop, (await shop.place({ customer: 'bob', pid: 2 })).orderId);
      expect('the notification to bob', toBob.join(), 'SMS to 13800000000: your order of Desk lamp is placed');
      shop.narrator.done('request and reply worked, and tags kept SMS and e-mail apart');

      const answer = await expectRefusal("nobody's order", 404, shop.place({ customer: 'nobody' }));
      expect('its reason', (JSON.parse(answer) as { message: string }).message, 'nobody is called nobody');
      await expectRefusal('an order of -1 lamps', 400, shop.place({ pid: 2, number: -1 }));
      shop.narrator.done("an error of the replier is the asker's; the DTO refused what is no order");
    },
  },
  {
    title: `Ordered: ${ORDERS} interleaved orders go through ${ORDER_STEPS.join(' → ')}`,
    async tell(shop) {
      await shop.quietly(async () => {
        const place = async () => (await shop.place()).orderId;
        const orders = await inParallel(Array.from({ length: ORDERS }), place);
        for (const verb of ['pay', 'ship', 'deliver'] as const) {
          await inParallel(orders, (orderId) => shop.advance(orderId, verb));
        }
        const mine = new Set(orders);
        const steps = await shop.eventually(`${ORDERS * ORDER_STEPS.length} steps consumed`, PATIENCE_MS, async () => {
          const rows = (await shop.rows('order_steps')).filter((row) => mine.has(row.order_id));
          return rows.length >= ORDERS * ORDER_STEPS.length && rows;
        });
        for (const orderId of orders) {
          const seen = steps.filter((row) => row.order_id === orderId).map((row) => row.step);
          expect(`steps of order ${orderId}`, seen.join(' → '), ORDER_STEPS.join(' → '));
        }
      });
      shop.narrator.done(`each of the ${ORDERS} orders was consumed in exact order, by two instances`);
    },
  },
  {
    title: 'Delayed: an unpaid order is cancelled after 5 s; the delayed message of a paid one is recalled',
    async tell(shop) {
      const arrived = () => shop.metric('rocketnest_consumed_messages_total', 'order-timeout-topic');
      const before = await arrived();
      const cancelled = (what: string, orderId: string) =>
        shop.eventually(what, PATIENCE_MS, async () => (await shop.status(orderId)) === 'cancelled');

      const unpaid = await shop.place({ onAccount: false });
      const paid = await shop.place({ onAccount: false });
      await shop.advance(paid.orderId, 'pay');
      await cancelled('cancellation of the unpaid order', unpaid.orderId);
      // The paid order's message was sent after the unpaid one's with the same delay. One sent later still proves that its
      // time has come as well.
      const later = await shop.place({ onAccount: false });
      await cancelled('cancellation of a later unpaid order', later.orderId);
      expect('status of the paid order', await shop.status(paid.orderId), 'paid');
      shop.narrator.done('the unpaid orders are cancelled, the paid one goes on');

      const messages = (await arrived()) - before;
      if (messages === 2) shop.narrator.done('of three delayed messages two arrived: one was recalled');
      else shop.narrator.say('the third delayed message came, too, and changed nothing: it was not recalled (in time)');
    },
  },
  {
    title: 'Broadcast: price changes, sent as one batch, reach every instance of shop-user',
    async tell(shop) {
      const priceCents = 1_000 + Math.floor(Math.random() * 9_000);
      await shop.changePrices([
        { pid: 1, priceCents },
        { pid: 2, priceCents: priceCents + 1 },
      ]);
      await shop.eventually('new prices in both instances', PATIENCE_MS, async () => {
        const instances = await shop.prices();
        return instances.every((prices) => prices[1] === priceCents && prices[2] === priceCents + 1);
      });
      shop.narrator.done('both instances know both prices');
      await expectRefusal('a price that is no number', 400, shop.changePrices([{ pid: 1, priceCents: Number.NaN }]));
    },
  },
  {
    title: `One-way and in batches: ${VIEWS} views of products are sent without waiting, and counted many at a time`,
    async tell(shop) {
      const count = async () => {
        const rows = await shop.rows('views');
        const batches = rows.map(({ batch }) => batch);
        return {
          views: rows.reduce((sum, { times }) => sum + times, 0),
          calls: rows.length,
          largest: Math.max(0, ...batches),
        };
      };
      const before = await count();
      await inParallel(Array.from({ length: VIEWS }), () => shop.visit('products/1'));
      const after = await shop.eventually(`${VIEWS} views counted`, PATIENCE_MS, async () => {
        const now = await count();
        return now.views - before.views >= VIEWS && now;
      });
      expect('views counted', after.views - before.views, VIEWS);
      const calls = after.calls - before.calls;
      shop.narrator.done(
        `${VIEWS} views were counted in ${calls} calls of the listener, up to ${after.largest} at a time`,
      );
    },
  },
];
