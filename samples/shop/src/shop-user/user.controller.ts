import { Controller, Get, Param, ParseEnumPipe } from '@nestjs/common';
import { Pool } from 'pg';
import { PricesListener } from './prices.listener.js';

const TABLES = ['customers', 'notifications', 'dead_letters', 'order_steps', 'views'];

/** What the service knows, for people and for the story. */
@Controller()
export class UserController {
  constructor(
    private readonly pool: Pool,
    private readonly cache: PricesListener,
  ) {}

  @Get('tables/:name')
  async table(@Param('name', new ParseEnumPipe(TABLES)) name: string): Promise<unknown[]> {
    return (await this.pool.query(`select * from ${name} order by 1`)).rows;
  }

  /** Of this instance. */
  @Get('prices')
  prices(): Record<string, number> {
    return Object.fromEntries(this.cache.prices);
  }
}
