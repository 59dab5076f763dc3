/** What the two services say to each other: the JSON bodies of the messages. */
export interface OrderEvent {
  readonly orderId: string;
  readonly pid: number;
  readonly product: string;
  readonly number: number;
  readonly totalCents: number;
  readonly phone: string;
  readonly email: string | null;
}

export const ORDER_STEPS = ['created', 'paid', 'shipped', 'delivered'] as const;
export type OrderStep = (typeof ORDER_STEPS)[number];

export interface OrderStepEvent {
  readonly orderId: string;
  readonly step: OrderStep;
}

export interface OrderTimeoutEvent {
  readonly orderId: string;
}

export interface PriceEvent {
  readonly pid: number;
  readonly priceCents: number;
}
