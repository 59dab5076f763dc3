import { Injectable } from '@nestjs/common';
import { type RocketMQListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Database } from '../common/database.js';
import type { OrderEvent } from '../common/events.js';
import { say } from '../common/serve.js';
import { Topics } from '../common/topics.js';

/** Credits points for orders whose row is committed: fed by transactional messages only. */
@Injectable()
@RocketMQMessageListener({
  topic: Topics.orderCommitted,
  consumerGroup: 'shop-user-points',
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
})
export class PointsListener implements RocketMQListener<OrderEvent> {
  constructor(private readonly database: Database) {}

  async onMessage({ orderId, totalCents }: OrderEvent): Promise<void> {
    const points = Math.floor(totalCents / 100);
    const written = await this.database.query(
      'insert into points (order_id, points) values ($1, $2) on conflict do nothing returning order_id',
      [orderId, points],
    );
    if (written.length > 0) say(`${points} points for order ${orderId}`);
  }
}
