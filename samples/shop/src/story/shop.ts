import { Producer } from '@rocketnest/client';
import type { OrderPlaced, OrderStep } from '../common/contract.js';
import { call, callJson } from './http.js';
import type { Narrator } from './narrator.js';
import { ServiceProcess } from './service-process.js';

export interface ShopOptions {
  readonly namesrvAddr: string;
  /** Whether the brokers filter by SQL92. */
  readonly hasSql92: boolean;
  /** A Postgres for all, or undefined: an embedded one for each service. */
  readonly databaseUrl: string | undefined;
  /** HTTP port of shop-order; 0 picks a free one. */
  readonly orderPort: string;
}

export interface OrderRequest {
  readonly customer?: string;
  readonly pid?: number;
  readonly number?: number;
  readonly orderId?: string;
  readonly onAccount?: boolean;
}

/** Rows of the user service's tables. */
interface UserTables {
  customers: { readonly name: string; readonly points: number };
  notifications: { readonly order_id: string; readonly text: string };
  dead_letters: { readonly order_id: string | null; readonly reason: string };
  order_steps: { readonly order_id: string; readonly step: OrderStep['step'] };
  views: { readonly batch: number; readonly pid: number; readonly times: number };
}

type ServiceName = 'shop-order' | 'shop-user';

const POLL_MS = 50;
const SCRIPTS = {
  'shop-order': new URL('../shop-order/main.js', import.meta.url),
  'shop-user': new URL('../shop-user/main.js', import.meta.url),
  postgres: new URL('./postgres-main.js', import.meta.url),
};
const COMPANION = new URL('./companion.js', import.meta.url);

/** The running shop as its customers and its operators see it: one shop-order, two shop-user, all over HTTP. */
export class Shop {
  #order!: ServiceProcess;
  #users: ServiceProcess[] = [];
  #databases: ServiceProcess[] = [];
  #databaseUrls!: Record<ServiceName, string>;
  #producer: Producer | undefined;
  #isQuiet = false;

  constructor(
    private readonly options: ShopOptions,
    readonly narrator: Narrator,
  ) {}

  async open(): Promise<void> {
    const { databaseUrl } = this.options;
    const database = async (): Promise<string> => {
      if (databaseUrl !== undefined) return databaseUrl;
      const process = await this.#launch('postgres', 'postgres', {});
      this.#databases.push(process);
      return process.url;
    };
    const [ofOrder, ofUser] = await Promise.all([database(), database()]);
    this.#databaseUrls = { 'shop-order': ofOrder, 'shop-user': ofUser };
    this.#producer = new Producer({ group: 'shop-story', namesrvAddr: this.options.namesrvAddr });
    await Promise.all([this.#producer.start(), this.openOrder(), this.openUser(0), this.openUser(1)]);
  }

  async openOrder(): Promise<void> {
    this.#order = await this.#start('shop-order', 'shop-order', this.options.orderPort);
  }

  async openUser(index: number): Promise<void> {
    this.#users[index] = await this.#start('shop-user', `shop-user-${index + 1}`, '0');
  }

  /** SIGTERM, and the service closes in good order. @returns its exit code or signal */
  async closeUser(index: number): Promise<string> {
    const user = this.#users[index]!;
    await user.stop();
    return user.exited;
  }

  /** kill -9 in the middle of whatever it does. */
  killUser(index: number): Promise<void> {
    return this.#users[index]!.kill();
  }

  get hasSql92(): boolean {
    return this.options.hasSql92;
  }

  get orderUrl(): string {
    return this.#order.url;
  }

  async close(): Promise<void> {
    await this.#order?.stop();
    await Promise.all(this.#users.map((user) => user.stop()));
    await this.#producer?.close();
    await Promise.all(this.#databases.map((database) => database.stop()));
  }

  /** Runs `work` while the services' lines are shortened: for chapters with hundreds of orders. */
  async quietly<T>(work: () => Promise<T>): Promise<T> {
    this.#isQuiet = true;
    try {
      return await work();
    } finally {
      this.#isQuiet = false;
    }
  }

  /** Prepares the accident of shop-order, which happens when it commits its next order. @returns its end */
  orderDies(): Promise<string> {
    this.#order.command('die after the next order is committed');
    return this.#order.exited;
  }

  /** GET: what somebody sees in a browser. */
  visit<T>(path: string): Promise<T> {
    return callJson(`${this.#order.url}/${path}`);
  }

  /** Places an order, by default on account: nobody waits for its payment. */
  place(request: OrderRequest = {}): Promise<OrderPlaced> {
    return callJson(`${this.#order.url}/orders`, { pid: 1, customer: 'bob', onAccount: true, ...request });
  }

  async advance(orderId: string, verb: 'pay' | 'ship' | 'deliver'): Promise<void> {
    await call(`${this.#order.url}/orders/${orderId}/${verb}`, {});
  }

  async status(orderId: string): Promise<string> {
    return (await this.visit<{ status: string }>(`orders/${orderId}`)).status;
  }

  async changePrices(prices: readonly { pid: number; priceCents: number }[]): Promise<void> {
    await call(`${this.#order.url}/prices`, prices);
  }

  /** The prices that each instance of shop-user knows. */
  prices(): Promise<Record<string, number>[]> {
    return Promise.all(this.#users.map(({ url }) => callJson<Record<string, number>>(`${url}/prices`)));
  }

  rows<T extends keyof UserTables>(table: T): Promise<UserTables[T][]> {
    return callJson(`${this.#users[0]!.url}/tables/${table}`);
  }

  /** Sends a message past the services: another program, one with errors perhaps. */
  async send(topic: string, tags: string, keys: string, payload: object): Promise<void> {
    await this.#producer!.send({ topic, tags, keys, body: Buffer.from(JSON.stringify(payload)) });
  }

  /** What each service says of itself: `up`, or what is wrong. */
  health(): Promise<{ status: string }[]> {
    return Promise.all([this.#order, ...this.#users].map(({ url }) => callJson<{ status: string }>(`${url}/health`)));
  }

  /** The sum of a metric over all running services, of the samples whose labels contain `label`. */
  async metric(name: string, label: string): Promise<number> {
    const texts = await Promise.all([this.#order, ...this.#users].map(({ url }) => call(`${url}/metrics`)));
    const samples = texts
      .join('\n')
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
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

  #start(service: ServiceName, name: string, port: string): Promise<ServiceProcess> {
    return this.#launch(service, name, {
      ROCKETMQ_NAMESRV: this.options.namesrvAddr,
      SQL92: String(this.options.hasSql92),
      DATABASE_URL: this.#databaseUrls[service],
      PORT: port,
    });
  }

  #launch(script: keyof typeof SCRIPTS, name: string, environment: Record<string, string>): Promise<ServiceProcess> {
    const companion = script === 'postgres' ? {} : { companion: COMPANION };
    return ServiceProcess.start(
      SCRIPTS[script],
      { name, environment, ...companion },
      this.narrator,
      () => this.#isQuiet,
    );
  }
}
