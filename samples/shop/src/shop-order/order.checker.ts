import { Injectable } from '@nestjs/common';
import { type RocketMQTransactionChecker, RocketMQTransactionListener } from '@rocketnest/nestjs';
import type { OrderEvent } from '../common/events.js';
import { say } from '../common/serve.js';
import { Topics } from '../common/topics.js';
import { OrdersService } from './orders.service.js';

/** Answers the broker's question about a transaction whose outcome it never heard: the row is the truth. */
@Injectable()
@RocketMQTransactionListener({ topic: Topics.orderCommitted })
export class OrderChecker implements RocketMQTransactionChecker<OrderEvent> {
  constructor(private readonly orders: OrdersService) {}

  async check({ orderId }: OrderEvent): Promise<'COMMIT' | 'ROLLBACK'> {
    const exists = (await this.orders.status(orderId)) !== undefined;
    say(`check-back for order ${orderId}: its row is ${exists ? 'there, commit' : 'not there, roll back'}`);
    return exists ? 'COMMIT' : 'ROLLBACK';
  }
}
