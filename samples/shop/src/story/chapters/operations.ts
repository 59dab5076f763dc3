import type { Shop } from '../shop.js';
import type { Chapter } from './chapter.js';
import { expect, inParallel, PATIENCE_MS } from './chapter.js';

const ORDERS = 60;

/** What those see who run the services. */
export const operationsChapters: readonly Chapter[] = [
  {
    title: `Deployment: an instance of shop-user is replaced while ${ORDERS} orders are placed`,
    async tell(shop) {
      const told = await whileOrdersArrive(shop, async () => {
        const end = await shop.closeUser(1);
        if (end !== 'SIGTERM' && end !== 'code 0') throw new Error(`shop-user-2 ended with ${end}`);
        await shop.openUser(1);
      });
      expect('notifications', told, ORDERS);
      shop.narrator.done('SIGTERM, and a new process: every customer was told, and none twice');
    },
  },
  {
    title: `Accident: an instance of shop-user is killed (-9) while ${ORDERS} orders are placed`,
    async tell(shop) {
      const told = await whileOrdersArrive(shop, async () => {
        await shop.killUser(1);
        await shop.openUser(1);
      });
      expect('notifications', told, ORDERS);
      shop.narrator.done('what it had begun came again, to the others: every customer was told, and none twice');
    },
  },
  {
    title: 'Operations: /health and /metrics of every service',
    async tell(shop) {
      const answers = await shop.health();
      expect('health', answers.map(({ status }) => status).join(), answers.map(() => 'ok').join());
      const sent = await shop.metric('rocketnest_sent_messages_total', 'success');
      const consumed = await shop.metric('rocketnest_consumed_messages_total', 'outcome="consumed"');
      const retries = await shop.metric('rocketnest_consumed_messages_total', 'outcome="retry"');
      if (sent === 0 || consumed === 0)
        throw new Error(`metrics tell of ${sent} messages sent and ${consumed} consumed`);
      shop.narrator.done(
        `all are up; the running processes sent ${sent} messages, consumed ${consumed} and retried ${retries}`,
      );
    },
  },
];

/** Places orders, half of them before and half of them after `event` begins. @returns how many notifications there are about them */
async function whileOrdersArrive(shop: Shop, event: () => Promise<void>): Promise<number> {
  return shop.quietly(async () => {
    let happening: Promise<void> | undefined;
    const numbers = Array.from({ length: ORDERS }, (_, number) => number);
    const orders = await inParallel(numbers, async (number) => {
      if (number === ORDERS / 2) {
        happening = event();
        happening.catch(() => {}); // awaited below
      }
      return shop.place({ pid: 2 });
    });
    await happening;
    const ids = new Set(orders.map(({ orderId }) => orderId));
    const rows = await shop.eventually(`notifications about all ${ORDERS} orders`, PATIENCE_MS, async () => {
      const mine = (await shop.rows('notifications')).filter((row) => ids.has(row.order_id));
      return new Set(mine.map((row) => row.order_id)).size === ORDERS && mine;
    });
    return rows.length;
  });
}
