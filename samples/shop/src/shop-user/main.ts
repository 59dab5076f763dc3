import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { RocketMQModule } from '@rocketnest/nestjs';
import { DatabaseModule } from '../common/database.js';
import { messaging } from '../common/messaging.js';
import { OperationsController } from '../common/operations.controller.js';
import { serve } from '../common/serve.js';
import { ContactsListener } from './contacts.listener.js';
import { NotificationListeners } from './notifications.listeners.js';
import { OrderStepsListener } from './order-steps.listener.js';
import { PointsListener } from './points.listener.js';
import { PricesListener } from './prices.listener.js';
import { tables } from './tables.js';
import { UserController } from './user.controller.js';
import { ViewsListener } from './views.listener.js';

@Module({
  imports: [
    RocketMQModule.forRoot(messaging('shop-user')),
    RocketMQModule.forFeature([{ name: '%DLQ%shop-user-sms', queues: 1 }]), // known before the first dead letter
    DatabaseModule.forRoot('shop_user', tables),
    TerminusModule,
  ],
  controllers: [UserController, OperationsController],
  providers: [
    ContactsListener,
    NotificationListeners,
    OrderStepsListener,
    PointsListener,
    PricesListener,
    ViewsListener,
  ],
})
class ShopUserModule {}

await serve(ShopUserModule, 8012);
