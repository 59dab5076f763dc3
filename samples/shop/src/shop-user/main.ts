import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { RocketMQModule } from '@rocketnest/nestjs';
import { DatabaseModule } from '../common/database.js';
import { readEnvironment, schemaOf } from '../common/environment.js';
import { serve } from '../common/serve.js';
import { NotificationListeners } from './notifications.listeners.js';
import { OrderStepsListener } from './order-steps.listener.js';
import { PointsListener } from './points.listener.js';
import { PricesListener } from './prices.listener.js';
import { tables } from './tables.js';
import { UserController } from './user.controller.js';

const environment = readEnvironment('shop-user', 8012);

@Module({
  imports: [
    RocketMQModule.forRoot({
      namesrvAddr: environment.namesrvAddr,
      client: { pollNameServerIntervalMs: 2_000 },
    }),
    DatabaseModule.forRoot({
      dataDir: environment.dataDir,
      url: environment.databaseUrl,
      schema: schemaOf(environment.instance),
      tables,
    }),
  ],
  controllers: [UserController],
  providers: [NotificationListeners, OrderStepsListener, PointsListener, PricesListener],
})
class ShopUserModule {}

await serve(ShopUserModule, environment);
