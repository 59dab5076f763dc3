import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { RocketMQModule } from '@rocketnest/nestjs';
import { DatabaseModule } from '../common/database.js';
import { readEnvironment, schemaOf } from '../common/environment.js';
import { serve } from '../common/serve.js';
import { OrderChecker } from './order.checker.js';
import { OrderTimeoutListener } from './order-timeout.listener.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { tables } from './tables.js';

const environment = readEnvironment('shop-order', 8011);

@Module({
  imports: [
    RocketMQModule.forRoot({
      namesrvAddr: environment.namesrvAddr,
      // Patient, because the whole shop with its databases may share a small machine.
      producer: { group: 'shop-order', sendTimeoutMs: 10_000 },
      client: { pollNameServerIntervalMs: 2_000 },
    }),
    DatabaseModule.forRoot({
      dataDir: environment.dataDir,
      url: environment.databaseUrl,
      schema: schemaOf(environment.instance),
      tables,
    }),
  ],
  controllers: [OrdersController],
  providers: [OrdersService, OrderTimeoutListener, OrderChecker, { provide: 'ENVIRONMENT', useValue: environment }],
})
class ShopOrderModule {}

await serve(ShopOrderModule, environment);
