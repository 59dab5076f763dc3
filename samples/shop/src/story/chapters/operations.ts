import type { Chapter } from './chapter.js';
import { expect, inParallel, PATIENCE_MS } from './chapter.js';

const ORDERS = 60;

/** What those see who run the services. */
export const operationsChapters: readonly Chapter[] = [
  {
    title: `Deployment: an instance of shop-user is replaced while ${ORDERS} orders are placed`,
    async tell(shop) {
      await shop.quietly(async () => {
        const placing = inParallel(Array.from({ length: ORDERS }), () => shop.place({ pid: 2 }));
        const replacing = (async () => {
          const end = await shop.closeUser(1);
          await shop.openUser(1);
          return end;
        })();
        const orders = await placing;
        const ended = await replacing;
        if (ended !== 'SIGTERM' && ended !== 'code 0') throw new Error(`shop-user-2 ended with ${ended}`);
        const mine = new Set(orders.map(({ orderId }) => orderId));
        const about = async () => (await shop.rows('notifications')).filter((row) => mine.has(row.order_id));
        await shop.eventually(`${ORDERS} notifications`, PATIENCE_MS, async () => (await about()).length >= ORDERS);
        expect('notifications', (await about()).length, ORDERS);
      });
      shop.narrator.done('SIGTERM, and a new process: every customer was told, and none twice');
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
