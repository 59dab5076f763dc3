import { ConflictException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import { RemoteReplyError, RocketMQTemplate } from '@rocketnest/nestjs';
import { type PgSession, RocketMQOutbox, type SqlDatabase } from '@rocketnest/nestjs/outbox';
import { RocketMQTransactions } from '@rocketnest/nestjs/transactions';
import { Pool } from 'pg';
import type { Contact, OrderPlaced, OrderStep, Price } from '../common/contract.js';
import { DATABASE } from '../common/database.js';
import { say } from '../common/serve.js';
import type { PlaceOrder } from './place-order.dto.js';

interface Product {
  readonly name: string;
  readonly price_cents: number;
}
interface PaidOrder {
  readonly customer: string;
  readonly totalCents: number;
  /** By which its delayed message can be recalled. */
  readonly timeout: string | null;
}

@Injectable()
export class OrdersService {
  constructor(
    private readonly pool: Pool,
    @Inject(DATABASE) private readonly database: SqlDatabase<PgSession>,
    private readonly rocketmq: RocketMQTemplate,
    private readonly transactions: RocketMQTransactions<PgSession>,
    private readonly outbox: RocketMQOutbox<PgSession>,
  ) {}

  /** The message becomes visible if and only if the row is committed, whenever this process or the database dies. */
  async place({ orderId, pid, number, customer, onAccount }: PlaceOrder): Promise<OrderPlaced> {
    const { channel, to } = await this.contactOf(customer);
    const { name, price_cents } = await this.productOf(pid);
    const order: OrderPlaced = { orderId, product: name, totalCents: price_cents * number, to };
    // Before the order: should there be none in the end, there is nothing to cancel.
    const timeout = onAccount ? null : await this.startTimeout(orderId);
    await this.transactions.send(
      `order-topic:${channel}`,
      order,
      async (tx) => {
        const { rows } = await tx.query(
          `with taken as (update products set stock = stock - $3 where pid = $2 and stock >= $3 returning pid)
           insert into orders (id, pid, number, total_cents, customer, timeout)
           select $1, pid, $3, $4, $5, $6 from taken on conflict do nothing returning id`,
          [orderId, pid, number, order.totalCents, customer, timeout],
        );
        if (rows.length === 0) throw new ConflictException(`sold out, or order ${orderId} exists already`);
      },
      { keys: orderId },
    );
    await this.tell(orderId, 'created');
    return order;
  }

  /** The payment and the message about it are one transaction: the message is a row, which is sent afterwards. */
  async pay(orderId: string): Promise<void> {
    const timeout = await this.database.transaction(async (tx) => {
      const { rows } = await tx.query(
        `update orders set status = 'paid' where id = $1 and status = 'created'
         returning customer, total_cents as "totalCents", timeout`,
        [orderId],
      );
      const [order] = rows as PaidOrder[];
      if (order === undefined) throw new ConflictException(`order ${orderId} cannot be paid`);
      const { customer, totalCents } = order;
      const options = { keys: orderId, headers: { totalCents } };
      await this.outbox.add(tx, 'payment-topic', { orderId, customer, totalCents }, options);
      return order.timeout;
    });
    await this.tell(orderId, 'paid');
    if (timeout === null) return;
    // It may be too late, or the broker may not allow it: then the message finds an order that is paid.
    await this.rocketmq
      .recall('order-timeout-topic', timeout)
      .catch((error: Error) => say(`not recalled: ${error.message}`));
  }

  async advance(orderId: string, from: string, to: OrderStep['step']): Promise<void> {
    const sql = 'update orders set status = $3 where id = $1 and status = $2';
    const { rowCount } = await this.pool.query(sql, [orderId, from, to]);
    if (rowCount === 0) throw new ConflictException(`order ${orderId} is not ${from}`);
    await this.tell(orderId, to);
  }

  async cancelUnpaid(orderId: string): Promise<void> {
    const sql = `update orders set status = 'cancelled' where id = $1 and status = 'created'`;
    const { rowCount } = await this.pool.query(sql, [orderId]);
    if (rowCount === 1) say(`order ${orderId} was not paid in time: cancelled`);
  }

  async find(orderId: string): Promise<unknown> {
    const { rows } = await this.pool.query('select * from orders where id = $1', [orderId]);
    if (rows.length === 0) throw new NotFoundException(`order ${orderId} does not exist`);
    return rows[0];
  }

  /** Somebody looks at a product, which is worth counting and not worth waiting for. */
  async product(pid: number): Promise<Product> {
    const product = await this.productOf(pid);
    await this.rocketmq.sendOneway('view-topic', { pid });
    return product;
  }

  async changePrices(prices: Price[]): Promise<void> {
    for (const { pid, priceCents } of prices) {
      await this.pool.query('update products set price_cents = $2 where pid = $1', [pid, priceCents]);
    }
    await this.rocketmq.sendBatch('price-topic', prices);
  }

  /** Asks shop-user, and waits for its answer. */
  private async contactOf(customer: string): Promise<Contact> {
    try {
      return await this.rocketmq.request<Contact>('contact-topic', { customer });
    } catch (error) {
      if (error instanceof RemoteReplyError) throw new NotFoundException(error.remoteMessage);
      throw error;
    }
  }

  private async productOf(pid: number): Promise<Product> {
    const { rows } = await this.pool.query<Product>('select name, price_cents from products where pid = $1', [pid]);
    if (rows[0] === undefined) throw new NotFoundException(`product ${pid} does not exist`);
    return rows[0];
  }

  private async startTimeout(orderId: string): Promise<string | null> {
    const sent = await this.rocketmq.send('order-timeout-topic', { orderId }, { delay: '5s', keys: orderId });
    return sent.recallHandle ?? null;
  }

  /**
   * Steps of one order go to one queue, whatever happens to other orders in between. They are for looking at: should this process die right
   * before it sends one, that one is missing. What must never be missing goes the ways of `place` and `pay`.
   */
  private async tell(orderId: string, step: OrderStep['step']): Promise<void> {
    await this.rocketmq.send('order-step-topic', { orderId, step }, { shardingKey: orderId, keys: orderId });
  }
}
