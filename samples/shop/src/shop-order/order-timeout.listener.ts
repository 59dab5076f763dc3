import { Injectable } from '@nestjs/common';
import { type RocketMQListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import type { OrderTimeoutEvent } from '../common/events.js';
import { say } from '../common/serve.js';
import { Topics } from '../common/topics.js';
import { OrdersService } from './orders.service.js';

/** Cancels orders that are not paid when their delayed message arrives. */
@Injectable()
@RocketMQMessageListener({
  topic: Topics.orderTimeout,
  consumerGroup: 'shop-order-timeout',
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
})
export class OrderTimeoutListener implements RocketMQListener<OrderTimeoutEvent> {
  constructor(private readonly orders: OrdersService) {}

  async onMessage({ orderId }: OrderTimeoutEvent): Promise<void> {
    if (await this.orders.cancelIfUnpaid(orderId)) say(`order ${orderId} was not paid in time: cancelled`);
  }
}
