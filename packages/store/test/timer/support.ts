import { cpSync } from 'node:fs';
import { decodeMessage, encodeProperties, type MessageExt } from '@rocketnest/protocol';
import {
  MessageStore,
  parseStoreOptions,
  type StoreOptions,
  slotBefore,
  TimerMessageStore,
  type TimerMessageStoreInput,
} from '../../src/index.js';
import { message, readQueue, SMALL, temporaryDirectory } from '../support/store.js';

export const SECOND = 1_000;
export const HOUR = 3_600 * SECOND;
export const DAY = 24 * HOUR;

/** A clock that moves only when told to; timers sleep at most a second of real time, or until `wake`. */
export class TestClock {
  constructor(public time = Date.UTC(2030, 0, 1)) {}
  readonly now = (): number => this.time;
}

/** A message store with timers on it. */
export class Timers {
  private constructor(
    readonly rootDir: string,
    readonly clock: TestClock,
    readonly store: MessageStore,
    readonly timers: TimerMessageStore,
  ) {}

  static async open(
    clock: TestClock,
    rootDir = temporaryDirectory(),
    options: Partial<StoreOptions> = {},
    input: Partial<TimerMessageStoreInput> = {},
  ): Promise<Timers> {
    const store = new MessageStore({ ...SMALL, rootDir, clock });
    await store.start();
    const timers = new TimerMessageStore({
      options: parseStoreOptions({ mappedFileSizeTimerLog: 10 * 1024, timerFlushIntervalMs: 20, ...options }),
      store,
      clock,
      logger: quiet,
      put: (put, done) => store.put(put, done),
      ...input,
    });
    store.onMessageArrived = (topic) => {
      if (topic === 'rmq_sys_wheel_timer') timers.arrived();
    };
    await timers.start();
    return new Timers(rootDir, clock, store, timers);
  }

  /** Stores a timer message as a broker does. */
  async send(body: string, dueMs: number, properties: Record<string, string> = {}, topic = 'T'): Promise<void> {
    const all = {
      UNIQ_KEY: body,
      TIMER_DELIVER_MS: String(dueMs),
      TIMER_OUT_MS: String(slotBefore(dueMs, this.timers.precisionMs)),
      REAL_TOPIC: topic,
      REAL_QID: '0',
      ...properties,
    };
    const put = message(body, {
      topic: 'rmq_sys_wheel_timer',
      properties: all,
      propertiesData: Buffer.from(encodeProperties(all)),
    });
    const { status } = await this.store.putAsync(put);
    if (status !== 'PUT_OK') throw new Error(status);
  }

  /** Takes a message back as a broker does. */
  recall(body: string, dueMs: number): Promise<void> {
    return this.send('0', dueMs, { UNIQ_KEY: body, TIMER_DEL_UNIQKEY: body });
  }

  /** Moves the clock; returns when everything that is due then was looked at. */
  async moveTo(time: number): Promise<void> {
    await this.entered();
    this.clock.time = time;
    await this.until(() => this.timers.dequeueBehindMillis < this.timers.precisionMs, 'the slots of the past');
    this.timers.wake();
  }

  /** Everything stored so far is in the timer log. */
  entered(): Promise<void> {
    return this.until(() => this.timers.behindMessages === 0, 'the messages to be entered');
  }

  async delivered(topic = 'T'): Promise<MessageExt[]> {
    return readQueue(this.store, topic);
  }

  async bodies(count: number, topic = 'T'): Promise<string[]> {
    await this.until(() => this.store.maxOffset(topic, 0) >= count, `${count} messages in ${topic}`);
    return (await this.delivered(topic)).map(({ body }) => body.toString());
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`waited 10 s for ${what}`);
      this.timers.wake();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async close(): Promise<void> {
    await this.timers.close();
    await this.store.close();
  }

  /** What a kill -9 leaves now: a copy of the files. */
  crashed(): string {
    const copy = temporaryDirectory();
    cpSync(this.rootDir, copy, { recursive: true });
    return copy;
  }

  async restarted(options: Partial<StoreOptions> = {}): Promise<Timers> {
    await this.close();
    return Timers.open(this.clock, this.rootDir, options);
  }
}

const nothing = (): void => {};
export const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The messages of rmq_sys_wheel_timer, with their properties. */
export async function waitingMessages(store: MessageStore): Promise<MessageExt[]> {
  const found: MessageExt[] = [];
  for (let offset = 0; offset < store.maxOffset('rmq_sys_wheel_timer', 0); ) {
    const { buffers, nextBeginOffset } = await store.get('rmq_sys_wheel_timer', 0, offset, 32, 1024 * 1024);
    found.push(...buffers.map((buffer) => decodeMessage(buffer)));
    offset = nextBeginOffset;
  }
  return found;
}
