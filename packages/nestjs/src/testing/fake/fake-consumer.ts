import type { ClientInstance, MessageHandler, SharedPushConsumerOptions } from '@rocketnest/client';
import { ConfigurationError, PushConsumer } from '@rocketnest/client';
import type { FakeBroker } from './fake-broker.js';
import type { FakeMember } from './fake-group.js';

/** A consumer of the fake broker. It checks options and subscriptions as the real one does, and opens no connection. */
export class FakeConsumer extends PushConsumer {
  readonly #broker: FakeBroker;
  readonly #subscriptions = new Map<string, string>();
  #handler: MessageHandler | undefined;
  #member: FakeMember | undefined;

  constructor(options: SharedPushConsumerOptions, instance: ClientInstance, broker: FakeBroker) {
    super(options, instance);
    this.#broker = broker;
  }

  override subscribe(topic: string, filter: Parameters<PushConsumer['subscribe']>[1] = '*'): this {
    if (typeof filter !== 'string') {
      throw new ConfigurationError(
        `Group ${this.group} filters topic ${topic} by SQL92, which the fake does not evaluate. Test it with RocketMQTestingModule.forRoot().`,
        { context: { group: this.group, topic } },
      );
    }
    this.#subscriptions.set(topic, filter);
    return super.subscribe(topic, filter);
  }

  override unsubscribe(topic: string): this {
    this.#subscriptions.delete(topic);
    return super.unsubscribe(topic);
  }

  override listen(handler: MessageHandler): this {
    this.#handler = handler;
    return super.listen(handler);
  }

  override async start(): Promise<void> {
    if (this.#handler === undefined || this.#member !== undefined) return;
    const { options } = this;
    this.#member = { options, subscriptions: this.#subscriptions, handler: this.#handler, isPaused: this.isPaused };
    this.#broker.group(this.group).join(this.#member);
  }

  override pause(): void {
    super.pause();
    if (this.#member !== undefined) this.#member.isPaused = true;
  }

  override resume(): void {
    super.resume();
    if (this.#member === undefined) return;
    this.#member.isPaused = false;
    this.#broker.group(this.group).wake();
  }

  override async close(): Promise<void> {
    if (this.#member !== undefined) await this.#broker.group(this.group).leave();
    this.#member = undefined;
  }
}
