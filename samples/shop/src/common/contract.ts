import type { TopicDeclaration } from '@rocketnest/nestjs';
import { IsIn, IsInt, IsNotEmpty, IsPositive, IsString, IsUUID, Min } from 'class-validator';

// What the services say to each other. Classes, because listeners validate what they get: a message with an error in it becomes a dead letter.

class AboutOrder {
  @IsUUID() orderId!: string;
}

export class OrderPlaced extends AboutOrder {
  @IsString() product!: string;
  @IsPositive() totalCents!: number;
  /** A phone number or an e-mail address, as the tag says. */
  @IsNotEmpty() to!: string;
}

export const ORDER_STEPS = ['created', 'paid', 'shipped', 'delivered'] as const;

export class OrderStep extends AboutOrder {
  @IsIn(ORDER_STEPS) step!: (typeof ORDER_STEPS)[number];
}

export class OrderTimeout extends AboutOrder {}

export class OrderPaid extends AboutOrder {
  @IsNotEmpty() customer!: string;
  @IsPositive() totalCents!: number;
}

export class Price {
  @IsInt() pid!: number;
  @IsInt() @Min(0) priceCents!: number;
}

export class ProductViewed {
  @IsInt() pid!: number;
}

export class ContactQuestion {
  @IsNotEmpty() customer!: string;
}

export interface Contact {
  readonly channel: 'SMS' | 'EMAIL';
  readonly to: string;
}

declare module '@rocketnest/nestjs' {
  interface RocketMQTopics {
    'order-topic': OrderPlaced;
    'order-step-topic': OrderStep;
    'order-timeout-topic': OrderTimeout;
    'payment-topic': OrderPaid;
    'price-topic': Price;
    'view-topic': ProductViewed;
    'contact-topic': ContactQuestion;
  }
}

/** Created at start-up where they are missing. */
export const topics: readonly TopicDeclaration[] = [
  { name: 'order-topic', type: 'TRANSACTION', queues: 4 },
  { name: 'order-step-topic', type: 'FIFO', queues: 4 },
  { name: 'order-timeout-topic', type: 'DELAY', queues: 4 },
  { name: 'payment-topic', queues: 4 },
  { name: 'price-topic', queues: 4 },
  { name: 'view-topic', queues: 4 },
  { name: 'contact-topic', queues: 4 },
];
