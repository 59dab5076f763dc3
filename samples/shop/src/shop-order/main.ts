import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { RocketMQModule } from '@rocketnest/nestjs';
import { RocketMQOutboxModule, type SqlDatabase } from '@rocketnest/nestjs/outbox';
import { RocketMQTransactionsModule } from '@rocketnest/nestjs/transactions';
import { DATABASE, DatabaseModule } from '../common/database.js';
import { messaging } from '../common/messaging.js';
import { OperationsController } from '../common/operations.controller.js';
import { serve } from '../common/serve.js';
import { OrderTimeoutListener } from './order-timeout.listener.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { tables } from './tables.js';

/** Transactional messages and the local message table, each with a table beside the service's own. */
const inDatabase = {
  inject: [DATABASE],
  useFactory: (database: SqlDatabase) => ({ database, createTable: true }),
};

@Module({
  imports: [
    RocketMQModule.forRoot(messaging('shop-order')),
    DatabaseModule.forRoot('shop_order', tables),
    RocketMQTransactionsModule.forRootAsync(inDatabase),
    RocketMQOutboxModule.forRootAsync(inDatabase),
    TerminusModule,
  ],
  controllers: [OrdersController, OperationsController],
  providers: [OrdersService, OrderTimeoutListener],
})
class ShopOrderModule {}

await serve(ShopOrderModule, 8011);
