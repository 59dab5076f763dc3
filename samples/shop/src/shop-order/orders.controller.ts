import { Body, Controller, Get, Param, ParseArrayPipe, ParseIntPipe, Post, Query } from '@nestjs/common';
import { type OrderPlaced, Price } from '../common/contract.js';
import { OrdersService } from './orders.service.js';
import { PlaceOrder } from './place-order.dto.js';

@Controller()
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  /** For browsers: `GET /order?pid=1&customer=bob`. */
  @Get('order')
  order(@Query() request: PlaceOrder): Promise<OrderPlaced> {
    return this.orders.place(request);
  }

  @Post('orders')
  place(@Body() request: PlaceOrder): Promise<OrderPlaced> {
    return this.orders.place(request);
  }

  @Get('orders/:id')
  find(@Param('id') id: string): Promise<unknown> {
    return this.orders.find(id);
  }

  @Post('orders/:id/pay')
  pay(@Param('id') id: string): Promise<void> {
    return this.orders.pay(id);
  }

  @Post('orders/:id/ship')
  ship(@Param('id') id: string): Promise<void> {
    return this.orders.advance(id, 'paid', 'shipped');
  }

  @Post('orders/:id/deliver')
  deliver(@Param('id') id: string): Promise<void> {
    return this.orders.advance(id, 'shipped', 'delivered');
  }

  @Get('products/:pid')
  product(@Param('pid', ParseIntPipe) pid: number): Promise<unknown> {
    return this.orders.product(pid);
  }

  @Post('prices')
  changePrices(@Body(new ParseArrayPipe({ items: Price })) prices: Price[]): Promise<void> {
    return this.orders.changePrices(prices);
  }
}
