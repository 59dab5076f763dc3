import { Injectable } from '@nestjs/common';
import { type RocketMQListener, RocketMQMessageListener } from '@rocketnest/nestjs';
import { Price } from '../common/contract.js';
import { say } from '../common/serve.js';

/** This instance's copy of the prices, in memory: every instance hears of every change. */
@Injectable()
@RocketMQMessageListener({
  topic: 'price-topic',
  consumerGroup: 'shop-user-prices',
  messageModel: 'BROADCASTING',
  payloadType: Price,
})
export class PricesListener implements RocketMQListener<Price> {
  readonly prices = new Map<number, number>();

  async onMessage({ pid, priceCents }: Price): Promise<void> {
    this.prices.set(pid, priceCents);
    say(`product ${pid} costs ${(priceCents / 100).toFixed(2)} now`);
  }
}
