import { randomUUID } from 'node:crypto';
import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { RocketMQTemplate } from '@rocketnest/nestjs';
import { Database, type Query } from '../common/database.js';
import type { OrderEvent, OrderStep, OrderStepEvent, OrderTimeoutEvent, PriceEvent } from '../common/events.js';
import { Tags, Topics } from '../common/topics.js';

export interface OrderRequest {
  /** Chosen by the caller, so that a repeated request is not a second order; default: a new one. */
  readonly orderId?: string;
  readonly pid: number;
  readonly number?: number;
  readonly phone?: string;
  readonly email?: string | null;
  /** The customer pays later by invoice: no payment is waited for. */
  readonly onAccount?: boolean;
}

/** Delay level after which an unpaid order is cancelled: level 2, five seconds with Apache's default levels. */
const PAYMENT_DELAY_LEVEL = 2;

@Injectable()
export class OrdersService {
  constructor(
    private readonly database: Database,
    private readonly rocketmq: RocketMQTemplate,
  ) {}

  /** Stores the order, then notifies: a crash in between loses the notification. `placeInTransaction` does not. */
  async place(request: OrderRequest): Promise<OrderEvent> {
    const order = await this.database.transaction((query) => this.insert(query, request));
    await this.rocketmq.send(`${Topics.order}:${Tags.sms}`, order, { keys: order.orderId });
    if (order.email !== null) await this.rocketmq.send(`${Topics.order}:${Tags.email}`, order, { keys: order.orderId });
    await this.sendStep(order.orderId, 'created');
    if (!request.onAccount) {
      const timeout: OrderTimeoutEvent = { orderId: order.orderId };
      await this.rocketmq.send(Topics.orderTimeout, timeout, { delayLevel: PAYMENT_DELAY_LEVEL, keys: order.orderId });
    }
    return order;
  }

  /**
   * The message becomes visible if and only if the row is committed: the row is written while the broker holds the half
   * message. If this process dies before it can say how it went, the broker asks `OrderChecker`.
   * @param afterCommit runs between the database's commit and the message's
   */
  async placeInTransaction(request: OrderRequest, afterCommit: () => void = () => {}): Promise<OrderEvent> {
    const quote = await this.quote(this.database.query, request);
    await this.rocketmq.sendInTransaction(
      Topics.orderCommitted,
      quote,
      async () => {
        await this.database.transaction((query) => this.insert(query, quote));
        afterCommit();
      },
      { keys: quote.orderId },
    );
    return quote;
  }

  async advance(orderId: string, step: OrderStep): Promise<void> {
    const updated = await this.database.query(
      `update orders set status = $2 where id = $1 and status <> 'cancelled' returning id`,
      [orderId, step],
    );
    if (updated.length === 0) throw new NotFoundException(`order ${orderId} does not exist or is cancelled`);
    await this.sendStep(orderId, step);
  }

  async cancelIfUnpaid(orderId: string): Promise<boolean> {
    const cancelled = await this.database.query(
      `update orders set status = 'cancelled' where id = $1 and status = 'created' returning id`,
      [orderId],
    );
    return cancelled.length > 0;
  }

  async status(orderId: string): Promise<string | undefined> {
    const [row] = await this.database.query<{ status: string }>('select status from orders where id = $1', [orderId]);
    return row?.status;
  }

  async changePrice(pid: number, priceCents: number): Promise<void> {
    await this.database.query('update products set price_cents = $2 where pid = $1', [pid, priceCents]);
    const event: PriceEvent = { pid, priceCents };
    await this.rocketmq.send(Topics.price, event);
  }

  /** Steps of one order go to one queue, whatever happens to other orders in between. */
  private async sendStep(orderId: string, step: OrderStep): Promise<void> {
    const event: OrderStepEvent = { orderId, step };
    await this.rocketmq.send(Topics.orderSteps, event, { shardingKey: orderId, keys: orderId });
  }

  private async quote(query: Query, request: OrderRequest): Promise<OrderEvent> {
    const { orderId = randomUUID(), pid, number = 1, phone = '13800000000', email = null } = request;
    const [product] = await query<{ name: string; price_cents: number }>(
      'select name, price_cents from products where pid = $1',
      [pid],
    );
    if (product === undefined) throw new NotFoundException(`product ${pid} does not exist`);
    return { orderId, pid, product: product.name, number, totalCents: product.price_cents * number, phone, email };
  }

  /** @throws ConflictException when the stock is too small; the transaction then rolls back */
  private async insert(query: Query, request: OrderRequest): Promise<OrderEvent> {
    const order = await this.quote(query, request);
    const taken = await query('update products set stock = stock - $2 where pid = $1 and stock >= $2 returning stock', [
      order.pid,
      order.number,
    ]);
    if (taken.length === 0) throw new ConflictException(`not ${order.number} of ${order.product} in stock`);
    await query('insert into orders (id, pid, number, total_cents, phone, email) values ($1, $2, $3, $4, $5, $6)', [
      order.orderId,
      order.pid,
      order.number,
      order.totalCents,
      order.phone,
      order.email,
    ]);
    return order;
  }
}
