import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chapters } from './story/chapters/index.js';
import { type Messaging, openMessaging } from './story/messaging.js';
import { Narrator } from './story/narrator.js';
import { Shop } from './story/shop.js';

const HELP = `Runs the shop: an order service, two instances of a user service, a name server and a broker.

  npm start              tells the story, then serves until Ctrl-C
  npm start -- --once    tells the story and exits: 0 if everything happened, 1 if not

  ROCKETMQ_NAMESRV       use this RocketMQ cluster (ours or Apache's) instead of the embedded one
  DATABASE_URL           use this Postgres instead of the embedded ones
  PORT                   HTTP port of shop-order, default 8011; 0 picks a free one`;

const narrator = new Narrator();

/** Tells all chapters; false if one failed. The rest is not told then: it would build on what did not happen. */
async function tell(shop: Shop): Promise<boolean> {
  const startedAt = Date.now();
  for (const { title, tell: chapter } of chapters) {
    narrator.title(title);
    try {
      await chapter(shop);
    } catch (error) {
      narrator.failed((error as Error).message);
      return false;
    }
  }
  narrator.title(`Everything happened, in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
  return true;
}

async function run(once: boolean): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'rocketnest-shop-'));
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });
  let messaging: Messaging | undefined;
  let shop: Shop | undefined;
  try {
    narrator.title('The shop opens');
    messaging = await openMessaging(dataDir, narrator);
    shop = new Shop(
      {
        namesrvAddr: messaging.namesrvAddr,
        hasSql92: messaging.hasSql92,
        databaseUrl: process.env['DATABASE_URL'],
        orderPort: process.env['PORT'] ?? '8011',
      },
      narrator,
    );
    await shop.open();
    const outcome = await Promise.race([tell(shop), interrupted]);
    if (outcome === false) return 1;
    if (!once && outcome !== 'interrupted') {
      narrator.say(`The shop stays open: try ${shop.orderUrl}/order?pid=1 and stop it with Ctrl-C.`);
      await interrupted;
    }
    return 0;
  } catch (error) {
    narrator.failed((error as Error).message);
    return 1;
  } finally {
    narrator.title('The shop closes');
    await shop?.close();
    await messaging?.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

try {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) process.stdout.write(`${HELP}\n`);
  else process.exitCode = await run(values.once);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${HELP}\n`);
  process.exitCode = 1;
}
