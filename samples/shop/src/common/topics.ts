/** Topics of the shop. Consumer groups stand beside the listeners that use them. */
export const Topics = {
  /** An order was placed; tags SMS and EMAIL tell whom to notify. */
  order: 'order-topic',
  /** Steps of an order, ordered by order id. */
  orderSteps: 'order-step-topic',
  /** Delayed: is this order paid by now? */
  orderTimeout: 'order-timeout-topic',
  /** Transactional: the order's row is committed. */
  orderCommitted: 'order-committed-topic',
  /** The price of a product changed. */
  price: 'price-topic',
} as const;

export const Tags = { sms: 'SMS', email: 'EMAIL' } as const;
