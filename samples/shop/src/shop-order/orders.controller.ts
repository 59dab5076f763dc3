import { Body, Controller, Get, Inject, NotFoundException, Param, Post, Query } from '@nestjs/common';
import type { ServiceEnvironment } from '../common/environment.js';
import type { OrderEvent, OrderStep } from '../common/events.js';
import { say } from '../common/serve.js';
import { type OrderRequest, OrdersService } from './orders.service.js';

interface TransactionalOrderRequest extends OrderRequest {
  /** Kill this process between the database's commit and the message's; only under SHOP_SIMULATE=1. */
  readonly dieAfterCommit?: boolean;
}

@Controller()
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    @Inject('ENVIRONMENT') private readonly environment: ServiceEnvironment,
  ) {}

  /** `GET /order?pid=1[&phone=…&email=…&onAccount=1]`: places an order. */
  @Get('order')
  place(@Query() { pid, phone, email, onAccount }: Readonly<Record<string, string | undefined>>): Promise<OrderEvent> {
    return this.orders.place({
      pid: Number(pid),
      onAccount: onAccount === '1',
      ...(phone ? { phone } : {}),
      ...(email ? { email } : {}),
    });
  }

  /** `POST /orders`: places an order in a transaction with its message. */
  @Post('orders')
  placeInTransaction(@Body() { dieAfterCommit, ...request }: TransactionalOrderRequest): Promise<OrderEvent> {
    if (!dieAfterCommit || !this.environment.simulate) return this.orders.placeInTransaction(request);
    return this.orders.placeInTransaction(request, () => {
      say(`order ${request.orderId}: row committed, and the process is killed (-9) before it can tell the broker`);
      process.kill(process.pid, 'SIGKILL');
    });
  }

  @Get('orders/:id')
  async status(@Param('id') id: string): Promise<{ orderId: string; status: string }> {
    const status = await this.orders.status(id);
    if (status === undefined) throw new NotFoundException(`order ${id} does not exist`);
    return { orderId: id, status };
  }

  @Post('orders/:id/pay')
  pay(@Param('id') id: string): Promise<void> {
    return this.advance(id, 'paid');
  }

  @Post('orders/:id/ship')
  ship(@Param('id') id: string): Promise<void> {
    return this.advance(id, 'shipped');
  }

  @Post('orders/:id/deliver')
  deliver(@Param('id') id: string): Promise<void> {
    return this.advance(id, 'delivered');
  }

  @Post('products/:pid/price')
  changePrice(@Param('pid') pid: string, @Body('priceCents') priceCents: number): Promise<void> {
    return this.orders.changePrice(Number(pid), priceCents);
  }

  private advance(orderId: string, step: OrderStep): Promise<void> {
    return this.orders.advance(orderId, step);
  }
}
