import type { OrderEvent, OrderStep } from '../common/events.js';
import { Narrator } from './narrator.js';
import { ServiceProcess } from './service-process.js';

export interface ShopOptions {
  readonly namesrvAddr: string;
  readonly dataDir: string;
  /** HTTP port of shop-order; 0 picks a free one. */
  readonly orderPort: string;
}

export interface OutboxRow {
  readonly channel: 'sms' | 'email';
  readonly orderId: string;
}
export interface StepRow {
  readonly orderId: string;
  readonly step: OrderStep;
  readonly receivedAt: number;
  readonly seq: number;
}
export interface PointsRow {
  readonly orderId: string;
  readonly points: number;
}
export interface PriceRow {
  readonly pid: number;
  readonly priceCents: number;
}
export interface DeadLetterRow {
  readonly orderId: string;
  readonly attempts: number;
}
interface UserTables {
  outbox: OutboxRow;
  steps: StepRow;
  points: PointsRow;
  prices: PriceRow;
  'dead-letters': DeadLetterRow;
}

const POLL_MS = 50;

/** The running shop as its customers see it: one shop-order, two shop-user, all over HTTP. */
export class Shop {
  private order!: ServiceProcess;
  private users: ServiceProcess[] = [];
  private quiet = false;

  constructor(
    private readonly options: ShopOptions,
    readonly narrator: Narrator,
  ) {}

  async open(): Promise<void> {
    this.users = await Promise.all([1, 2].map((number) => this.start('shop-user', `shop-user-${number}`, '0')));
    await this.openOrder();
  }

  async openOrder(): Promise<void> {
    this.order = await this.start('shop-order', 'shop-order', this.options.orderPort);
  }

  /** Settles when the process of shop-order has ended, with its exit code or signal. */
  get orderExited(): Promise<string> {
    return this.order.exited;
  }

  get orderUrl(): string {
    return this.order.url;
  }

  async close(): Promise<void> {
    await this.order?.stop();
    await Promise.all(this.users.map((user) => user.stop()));
  }

  /** Runs `work` while the services' lines are shortened: for chapters with hundreds of orders. */
  async quietly<T>(work: () => Promise<T>): Promise<T> {
    this.quiet = true;
    try {
      return await work();
    } finally {
      this.quiet = false;
    }
  }

  place(query: Readonly<Record<string, string>> = {}): Promise<OrderEvent> {
    return this.request(`order?${new URLSearchParams({ pid: '1', ...query })}`);
  }

  placeInTransaction(body: object): Promise<OrderEvent> {
    return this.request('orders', body);
  }

  async advance(orderId: string, verb: 'pay' | 'ship' | 'deliver'): Promise<void> {
    await this.request(`orders/${orderId}/${verb}`, {});
  }

  async status(orderId: string): Promise<string> {
    return (await this.request<{ status: string }>(`orders/${orderId}`)).status;
  }

  async changePrice(pid: number, priceCents: number): Promise<void> {
    await this.request(`products/${pid}/price`, { priceCents });
  }

  /** Rows of a table of shop-user, per instance. */
  rowsByInstance<T extends keyof UserTables>(table: T): Promise<UserTables[T][][]> {
    return Promise.all(this.users.map((user) => call<UserTables[T][]>(`${user.url}/${table}`)));
  }

  async rows<T extends keyof UserTables>(table: T): Promise<UserTables[T][]> {
    return (await this.rowsByInstance(table)).flat();
  }

  /** Waits until `look` returns something; the error names what was waited for. */
  async eventually<T>(what: string, timeoutMs: number, look: () => Promise<T | undefined | false>): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      if (Date.now() > deadline) throw new Error(`within ${timeoutMs / 1000} s there was no ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  private request<T>(path: string, body?: object): Promise<T> {
    return call<T>(`${this.order.url}/${path}`, body);
  }

  private start(service: string, instance: string, port: string): Promise<ServiceProcess> {
    const environment = {
      ROCKETMQ_NAMESRV: this.options.namesrvAddr,
      INSTANCE: instance,
      PORT: port,
      SHOP_DATA: this.options.dataDir,
      SHOP_SIMULATE: '1',
    };
    return ServiceProcess.start(`${service}/main.js`, environment, this.narrator, () => this.quiet);
  }
}

/** What the service answered instead of success. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly body: string,
  ) {
    super(`HTTP ${status}: ${body}`);
  }
}

async function call<T>(url: string, body?: object): Promise<T> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(url, body === undefined ? {} : init);
  const text = await response.text();
  if (!response.ok) throw new HttpError(response.status, text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
