import { Injectable } from '@nestjs/common';
import { DeadLetter, Payload, RocketMQDlqListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Idempotent } from '@rocketnest/nestjs/idempotency';
import { Pool } from 'pg';
import { OrderPaid, OrderPlaced } from '../common/contract.js';
import { say } from '../common/serve.js';

/** Tells customers about their orders. The tag says how; a message that comes again, to whichever instance, is sent once. */
@Injectable()
export class NotificationListeners {
  constructor(private readonly pool: Pool) {}

  @RocketMQMessageListener({
    topic: 'order-topic',
    selectorExpression: 'SMS',
    consumerGroup: 'shop-user-sms',
    maxReconsumeTimes: 2,
  })
  @Idempotent({ lock: '1s' }) // Should this process die, the order is free again before the retries are over.
  async sms({ orderId, product, to }: OrderPlaced): Promise<void> {
    if (!/^\d{5,}$/.test(to)) throw new Error(`the SMS gateway refuses the number "${to}"`);
    await this.send(orderId, `SMS to ${to}: your order of ${product} is placed`);
  }

  @RocketMQMessageListener({ topic: 'order-topic', selectorExpression: 'EMAIL', consumerGroup: 'shop-user-email' })
  @Idempotent()
  async email({ orderId, product, to }: OrderPlaced): Promise<void> {
    await this.send(orderId, `e-mail to ${to}: your order of ${product} is placed`);
  }

  /** SQL92 over the messages' properties: the broker sends only what matches, if it has `enablePropertyFilter=true`. */
  @RocketMQMessageListener({
    topic: 'payment-topic',
    selectorType: 'SQL92',
    selectorExpression: 'totalCents >= 50000',
    consumerGroup: 'shop-user-thanks',
    enabled: (config) => config.get('SQL92') !== 'false',
  })
  @Idempotent()
  async thanks({ orderId, customer, totalCents }: OrderPaid): Promise<void> {
    await this.send(orderId, `thank-you card to ${customer} for ${totalCents / 100}`);
  }

  /** What `sms` gave up: after three deliveries, or at once where the message itself is wrong. */
  @RocketMQDlqListener('shop-user-sms')
  async givenUp(@Payload() { orderId }: Partial<OrderPlaced>, @DeadLetter('reason') reason: string): Promise<void> {
    await this.pool.query('insert into dead_letters (order_id, reason) values ($1, $2)', [orderId, reason]);
    say(`dead letter of order ${orderId}, somebody has to call: ${reason}`);
  }

  /** Should the process die right after this, nobody has noted that it was done: then the unique key tells. */
  private async send(orderId: string, text: string): Promise<void> {
    const sql = 'insert into notifications (order_id, text) values ($1, $2) on conflict do nothing';
    const { rowCount } = await this.pool.query(sql, [orderId, text]);
    if (rowCount === 1) say(text);
  }
}
