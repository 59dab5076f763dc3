import { Injectable } from '@nestjs/common';
import { type RocketMQListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Pool } from 'pg';
import { OrderStep } from '../common/contract.js';

/** Follows every order through its steps: the steps of one order are in one queue, and come one after the other. */
@Injectable()
@RocketMQMessageListener({
  topic: 'order-step-topic',
  consumerGroup: 'shop-user-steps',
  consumeMode: 'ORDERLY',
  payloadType: OrderStep,
})
export class OrderStepsListener implements RocketMQListener<OrderStep> {
  constructor(private readonly pool: Pool) {}

  async onMessage({ orderId, step }: OrderStep): Promise<void> {
    await this.pool.query('insert into order_steps (order_id, step) values ($1, $2)', [orderId, step]);
  }
}
