import { Injectable } from '@nestjs/common';
import { type RocketMQListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Idempotent } from '@rocketnest/nestjs/idempotency';
import { Pool } from 'pg';
import { OrderPaid } from '../common/contract.js';
import { say } from '../common/serve.js';

/** Credits points. Adding is not idempotent by itself, and the message may come twice: `@Idempotent` knows its key. */
@Injectable()
@RocketMQMessageListener({ topic: 'payment-topic', consumerGroup: 'shop-user-points', payloadType: OrderPaid })
@Idempotent()
export class PointsListener implements RocketMQListener<OrderPaid> {
  constructor(private readonly pool: Pool) {}

  async onMessage({ orderId, customer, totalCents }: OrderPaid): Promise<void> {
    const points = Math.floor(totalCents / 100);
    await this.pool.query('update customers set points = points + $2 where name = $1', [customer, points]);
    say(`${points} points for ${customer}'s order ${orderId}`);
  }
}
