import { Injectable } from '@nestjs/common';
import { type RocketMQListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Database } from '../common/database.js';
import type { OrderStepEvent } from '../common/events.js';
import { Topics } from '../common/topics.js';

/** Follows every order through its steps, in order. */
@Injectable()
@RocketMQMessageListener({
  topic: Topics.orderSteps,
  consumerGroup: 'shop-user-steps',
  consumeMode: 'ORDERLY',
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
})
export class OrderStepsListener implements RocketMQListener<OrderStepEvent> {
  constructor(private readonly database: Database) {}

  async onMessage({ orderId, step }: OrderStepEvent): Promise<void> {
    await this.database.query('insert into steps (order_id, step, received_at) values ($1, $2, $3)', [
      orderId,
      step,
      Date.now(),
    ]);
  }
}
