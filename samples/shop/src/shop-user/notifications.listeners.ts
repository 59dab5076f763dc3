import { Injectable } from '@nestjs/common';
import { Payload, ReconsumeTimes, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Database } from '../common/database.js';
import type { OrderEvent } from '../common/events.js';
import { say } from '../common/serve.js';
import { Tags, Topics } from '../common/topics.js';

const FIRST = 'CONSUME_FROM_FIRST_OFFSET';
const SMS_GROUP = 'shop-user-sms';

/** Tells customers about their orders: the topic's tag decides between SMS and e-mail. */
@Injectable()
export class NotificationListeners {
  constructor(private readonly database: Database) {}

  @RocketMQMessageListener({
    topic: Topics.order,
    selectorExpression: Tags.sms,
    consumerGroup: SMS_GROUP,
    maxReconsumeTimes: 2,
    consumeFromWhere: FIRST,
  })
  async sms(@Payload() order: OrderEvent, @ReconsumeTimes() attempt: number): Promise<void> {
    if (!/^\d{5,}$/.test(order.phone)) {
      throw new Error(
        `the SMS gateway refuses the number "${order.phone}" of order ${order.orderId} (delivery ${attempt + 1})`,
      );
    }
    await this.send('sms', order, `SMS to ${order.phone}: your order of ${order.number} × ${order.product} is placed`);
  }

  @RocketMQMessageListener({
    topic: Topics.order,
    selectorExpression: Tags.email,
    consumerGroup: 'shop-user-email',
    consumeFromWhere: FIRST,
  })
  async email(@Payload() order: OrderEvent): Promise<void> {
    await this.send(
      'email',
      order,
      `e-mail to ${order.email}: your order of ${order.number} × ${order.product} is placed`,
    );
  }

  /** Messages that failed for good. */
  @RocketMQMessageListener({
    topic: `%DLQ%${SMS_GROUP}`,
    consumerGroup: 'shop-user-dead-letters',
    consumeFromWhere: FIRST,
  })
  async deadLetter(@Payload() order: OrderEvent, @ReconsumeTimes() attempts: number): Promise<void> {
    await this.database.query('insert into dead_letters (order_id, attempts) values ($1, $2)', [
      order.orderId,
      attempts,
    ]);
    say(`dead letter: order ${order.orderId} could not be notified, somebody has to call`);
  }

  /** Delivery is at least once; the unique key makes the effect happen once. */
  private async send(channel: string, order: OrderEvent, text: string): Promise<void> {
    const written = await this.database.query(
      'insert into outbox (channel, order_id, text) values ($1, $2, $3) on conflict do nothing returning id',
      [channel, order.orderId, text],
    );
    if (written.length > 0) say(text);
  }
}
