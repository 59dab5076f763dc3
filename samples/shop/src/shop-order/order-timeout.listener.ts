import { Injectable } from '@nestjs/common';
import { type RocketMQListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { OrderTimeout } from '../common/contract.js';
import { OrdersService } from './orders.service.js';

/** Cancels orders that are not paid when their delayed message arrives. */
@Injectable()
@RocketMQMessageListener({
  topic: 'order-timeout-topic',
  consumerGroup: 'shop-order-timeout',
  payloadType: OrderTimeout,
})
export class OrderTimeoutListener implements RocketMQListener<OrderTimeout> {
  constructor(private readonly orders: OrdersService) {}

  async onMessage({ orderId }: OrderTimeout): Promise<void> {
    await this.orders.cancelUnpaid(orderId);
  }
}
