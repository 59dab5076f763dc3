import { randomUUID } from 'node:crypto';
import { ORDER_STEPS } from '../common/events.js';
import { HttpError, type Shop } from './shop.js';

/** A part of the story. It throws when something that should happen does not. */
export interface Chapter {
  readonly title: string;
  readonly tell: (shop: Shop) => Promise<void>;
}

/** Generous: against a broker with Apache's default delay levels, retries and check-backs take their time. */
const PATIENCE_MS = 120_000;
const ORDERS = 100;
/** How many orders the story has under way at once. */
const PARALLEL = 10;

export const chapters: readonly Chapter[] = [
  {
    title: 'Normal: an order is placed, the customer gets an SMS, and an e-mail only where there is an address',
    async tell(shop) {
      const plain = await shop.place();
      const mailed = await shop.place({ email: 'ada@example.org' });
      await shop.eventually('SMS for both orders and e-mail for one', PATIENCE_MS, async () => {
        const sent = (await shop.rows('outbox')).filter(({ orderId }) =>
          [plain.orderId, mailed.orderId].includes(orderId),
        );
        return sent.length >= 3 && sent;
      });
      const sent = await shop.rows('outbox');
      const channels = (orderId: string) =>
        sent
          .filter((row) => row.orderId === orderId)
          .map((row) => row.channel)
          .sort()
          .join('+');
      expect('channels of the order without an address', channels(plain.orderId), 'sms');
      expect('channels of the order with an address', channels(mailed.orderId), 'email+sms');
      shop.narrator.done('tags kept SMS and e-mail apart');
    },
  },
  {
    title: `Ordered: ${ORDERS} interleaved orders go through ${ORDER_STEPS.join(' → ')}`,
    async tell(shop) {
      await shop.quietly(async () => {
        const place = async () => (await shop.place({ onAccount: '1' })).orderId;
        const orders = await inParallel(Array.from({ length: ORDERS }), place);
        for (const verb of ['pay', 'ship', 'deliver'] as const) {
          await inParallel(orders, (orderId) => shop.advance(orderId, verb));
        }
        const mine = new Set(orders);
        const steps = await shop.eventually(`${ORDERS * ORDER_STEPS.length} steps consumed`, PATIENCE_MS, async () => {
          const rows = (await shop.rows('steps')).filter(({ orderId }) => mine.has(orderId));
          return rows.length >= ORDERS * ORDER_STEPS.length && rows;
        });
        // A queue moves between the instances at most when one starts; then the clock orders what they saw.
        steps.sort((a, b) => a.receivedAt - b.receivedAt || a.seq - b.seq);
        for (const orderId of orders) {
          const seen = steps.filter((row) => row.orderId === orderId).map((row) => row.step);
          expect(`steps of order ${orderId}`, seen.join(' → '), ORDER_STEPS.join(' → '));
        }
      });
      shop.narrator.done(`each of the ${ORDERS} orders was consumed in exact order`);
    },
  },
  {
    title: 'Delayed: an unpaid order is cancelled by a delayed message, a paid one is not',
    async tell(shop) {
      const unpaid = await shop.place();
      const paid = await shop.place();
      await shop.advance(paid.orderId, 'pay');
      await shop.eventually('cancellation of the unpaid order', PATIENCE_MS, async () => {
        return (await shop.status(unpaid.orderId)) === 'cancelled';
      });
      // The paid order's message was sent after the unpaid one's with the same delay. One placed later still proves
      // that its time has come as well.
      const witness = await shop.place();
      await shop.eventually('cancellation of a later unpaid order', PATIENCE_MS, async () => {
        return (await shop.status(witness.orderId)) === 'cancelled';
      });
      expect('status of the paid order', await shop.status(paid.orderId), 'paid');
      shop.narrator.done('the unpaid order is cancelled, the paid one goes on');
    },
  },
  {
    title: 'Transactional: the message is delivered if and only if the row is committed',
    async tell(shop) {
      const committed = await shop.placeInTransaction({ pid: 2 });
      await pointsFor(shop, committed.orderId);
      shop.narrator.done('commit: the points arrived');

      const refused = randomUUID();
      await shop.placeInTransaction({ pid: 2, number: 1_000_000_000, orderId: refused }).then(
        () => fail('an order beyond the stock was accepted'),
        (error: unknown) => expect('answer to an order beyond the stock', (error as HttpError).status, 409),
      );
      shop.narrator.say(`order ${refused} is beyond the stock: the database rolls back, and so does the message`);

      const orphan = randomUUID();
      await shop.placeInTransaction({ pid: 2, orderId: orphan, dieAfterCommit: true }).then(
        () => fail('shop-order answered although it should have been killed'),
        (error: unknown) => {
          if (error instanceof HttpError) throw error;
        },
      );
      expect('end of shop-order', await shop.orderExited, 'SIGKILL');
      shop.narrator.say('shop-order is started again');
      await shop.openOrder();
      await pointsFor(shop, orphan);
      shop.narrator.done('killed in between: the broker checked back and the message was committed');

      const rolledBack = (await shop.rows('points')).filter(({ orderId }) => orderId === refused);
      expect('points for the order rolled back', rolledBack.length, 0);
      shop.narrator.done('rollback: nothing was delivered');
    },
  },
  {
    title: 'Retry and dead letter: a poisoned order fails, is retried, and ends in the dead letter topic',
    async tell(shop) {
      const poisoned = await shop.place({ phone: 'poison' });
      const mine = async () => (await shop.rows('dead-letters')).filter(({ orderId }) => orderId === poisoned.orderId);
      await shop.eventually('dead letter of the poisoned order', PATIENCE_MS, async () => (await mine()).length > 0);
      const sms = (await shop.rows('outbox')).filter(({ orderId }) => orderId === poisoned.orderId);
      expect('SMS for the poisoned order', sms.length, 0);
      // A second report would follow the first at once; a message that came after it through the same topic is proof enough.
      const next = await shop.place({ phone: 'poison too' });
      await shop.eventually('dead letter of the next poisoned order', PATIENCE_MS, async () => {
        return (await shop.rows('dead-letters')).some(({ orderId }) => orderId === next.orderId);
      });
      expect('reports of the poisoned order', (await mine()).length, 1);
      shop.narrator.done('delivered three times, then reported once by the dead letter listener');
    },
  },
  {
    title: 'Broadcast: a price change reaches every instance of shop-user',
    async tell(shop) {
      const priceCents = 1_000 + Math.floor(Math.random() * 9_000);
      await shop.changePrice(1, priceCents);
      await shop.eventually('new price in both instances', PATIENCE_MS, async () => {
        const instances = await shop.rowsByInstance('prices');
        return instances.every((rows) => rows.some((row) => row.pid === 1 && row.priceCents === priceCents));
      });
      shop.narrator.done('both instances know the new price');
    },
  },
];

async function pointsFor(shop: Shop, orderId: string): Promise<void> {
  await shop.eventually(`points for order ${orderId}`, PATIENCE_MS, async () => {
    return (await shop.rows('points')).some((row) => row.orderId === orderId);
  });
}

function expect(what: string, actual: unknown, wanted: unknown): void {
  if (actual !== wanted) throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`);
}

function fail(reason: string): never {
  throw new Error(reason);
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const next = items.entries();
  const worker = async () => {
    for (const [index, item] of next) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return results;
}
