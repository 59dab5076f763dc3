import { Controller, Get } from '@nestjs/common';
import { Database, type Row } from '../common/database.js';

/** What this instance has done so far, for people and for the story. */
@Controller()
export class UserController {
  constructor(private readonly database: Database) {}

  @Get('outbox')
  outbox(): Promise<Row[]> {
    return this.database.query('select channel, order_id as "orderId", text from outbox order by id');
  }

  @Get('steps')
  steps(): Promise<Row[]> {
    return this.database.query(
      'select order_id as "orderId", step, received_at as "receivedAt", seq from steps order by seq',
    );
  }

  @Get('points')
  points(): Promise<Row[]> {
    return this.database.query('select order_id as "orderId", points from points');
  }

  @Get('prices')
  prices(): Promise<Row[]> {
    return this.database.query('select pid, price_cents as "priceCents" from prices');
  }

  @Get('dead-letters')
  deadLetters(): Promise<Row[]> {
    return this.database.query('select order_id as "orderId", attempts from dead_letters order by id');
  }
}
