import { Injectable } from '@nestjs/common';
import { type RocketMQListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Database } from '../common/database.js';
import type { PriceEvent } from '../common/events.js';
import { say } from '../common/serve.js';
import { Topics } from '../common/topics.js';

/** Keeps this instance's copy of the prices: every instance hears of every change. */
@Injectable()
@RocketMQMessageListener({ topic: Topics.price, consumerGroup: 'shop-user-prices', messageModel: 'BROADCASTING' })
export class PricesListener implements RocketMQListener<PriceEvent> {
  constructor(private readonly database: Database) {}

  async onMessage({ pid, priceCents }: PriceEvent): Promise<void> {
    await this.database.query(
      'insert into prices (pid, price_cents) values ($1, $2) on conflict (pid) do update set price_cents = excluded.price_cents',
      [pid, priceCents],
    );
    say(`product ${pid} costs ${(priceCents / 100).toFixed(2)} now`);
  }
}
