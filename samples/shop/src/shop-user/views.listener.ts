import { Injectable } from '@nestjs/common';
import { type RocketMQBatchListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Pool } from 'pg';
import type { ProductViewed } from '../common/contract.js';

/** Counts views, many with one statement: nothing hurries, and what has come to a queue in half a second is handled together. */
@Injectable()
@RocketMQMessageListener({
  topic: 'view-topic',
  consumerGroup: 'shop-user-views',
  batch: { size: 100 },
  pullInterval: 500,
})
export class ViewsListener implements RocketMQBatchListener<ProductViewed> {
  constructor(private readonly pool: Pool) {}

  async onMessage(views: ProductViewed[]): Promise<void> {
    await this.pool.query(
      'insert into views (batch, pid, times) select $1, pid, count(*) from unnest($2::int[]) as pid group by pid',
      [views.length, views.map(({ pid }) => pid)],
    );
  }
}
