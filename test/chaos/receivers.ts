import {
  type ClientOptionsInput,
  LitePullConsumer,
  PushConsumer,
  type PushConsumerOptions,
  RocketMQError,
} from '@rocketnest/client';
import type { GroupLedger, Ledger } from './ledger.js';
import type { Random } from './random.js';
import type { Topics } from './senders.js';

/** A member of a group that can leave and be replaced. */
interface Member {
  close(): Promise<void>;
}

/** A seat in a group: one member after the other sits on it. */
export interface Seat {
  readonly group: string;
  /** The member leaves cleanly, and a new one joins. */
  replace(): Promise<void>;
  close(): Promise<void>;
}

const POP_INVISIBLE_MS = 10_000;
const RESTART_MS = 1_000;
/** Handlers fail once in so many calls. */
const FAILS_ONE_IN = { concurrent: 50, orderly: 100, pop: 50 } as const;

export const POP_GROUP = 'chaos-pop';

/** Groups of two members each, in every way to consume: all get every message of their topics. */
export class Receivers implements AsyncDisposable {
  readonly seats: readonly Seat[];
  readonly #random: Random;

  constructor(
    private readonly options: ClientOptionsInput,
    topics: Topics,
    ledger: Ledger,
    random: Random,
  ) {
    this.#random = random;
    const concurrent = ledger.group('chaos-concurrent', [topics.plain, topics.transactions]);
    const orderly = ledger.group('chaos-orderly', [topics.ordered]);
    const pop = ledger.group(POP_GROUP, [topics.plain]);
    const lite = ledger.group('chaos-lite-pull', [topics.plain, topics.ordered]);
    const pair = (group: GroupLedger, join: () => Promise<Member>) => [
      new MemberSeat(group.name, join),
      new MemberSeat(group.name, join),
    ];
    this.seats = [
      ...pair(concurrent, () => this.#push(concurrent, {}, FAILS_ONE_IN.concurrent)),
      ...pair(orderly, () => this.#push(orderly, { consumeMode: 'ORDERLY' }, FAILS_ONE_IN.orderly)),
      ...pair(pop, () =>
        this.#push(pop, { clientRebalance: false, popInvisibleTimeMs: POP_INVISIBLE_MS }, FAILS_ONE_IN.pop),
      ),
      ...pair(lite, () => this.#lite(lite)),
    ];
  }

  async start(): Promise<void> {
    for (const seat of this.seats) await seat.replace();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.seats.map((seat) => seat.close()));
  }

  async #push(group: GroupLedger, options: Partial<PushConsumerOptions>, failsOneIn: number): Promise<Member> {
    const consumer = new PushConsumer({
      ...this.options,
      group: group.name,
      consumeFrom: 'FIRST_OFFSET',
      suspendCurrentQueueTimeMs: 200,
      ...options,
    });
    for (const topic of group.topics) consumer.subscribe(topic);
    const orderly = options.consumeMode === 'ORDERLY';
    consumer.listen(async (messages) => {
      const ids = messages.map(({ body }) => body.toString());
      if (orderly) for (const id of ids) group.given(...keyAndNumber(id));
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#random.oneIn(failsOneIn)) return { action: 'retry' };
      for (const id of ids) group.handled(id);
      return undefined;
    });
    await consumer.start();
    return consumer;
  }

  async #lite(group: GroupLedger): Promise<Member> {
    const consumer = new LitePullConsumer({ ...this.options, group: group.name, consumeFrom: 'FIRST_OFFSET' });
    for (const topic of group.topics) consumer.subscribe(topic);
    await consumer.start();
    const reading = (async () => {
      for await (const batch of consumer) for (const { body } of batch) group.handled(body.toString());
    })();
    return {
      close: async () => {
        await consumer.close();
        await reading;
      },
    };
  }
}

class MemberSeat implements Seat {
  #member: Member | undefined;

  constructor(
    readonly group: string,
    private readonly join: () => Promise<Member>,
  ) {}

  async replace(): Promise<void> {
    await this.close();
    for (;;) {
      try {
        this.#member = await this.join();
        return;
      } catch (error) {
        // To start while no server answers is an error that users see: they start again, as here.
        if (!(error instanceof RocketMQError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
      }
    }
  }

  async close(): Promise<void> {
    const member = this.#member;
    this.#member = undefined;
    await member?.close();
  }
}

/** `key3-17` → key3, 17 */
function keyAndNumber(id: string): [string, number] {
  const dash = id.lastIndexOf('-');
  return [id.slice(0, dash), Number(id.slice(dash + 1))];
}
