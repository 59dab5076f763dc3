import type { ClientInstance, MessageHandler, SharedPushConsumerOptions } from '@rocketnest/client';
import { PropertyName, PushConsumer } from '@rocketnest/client';
import { parseTags } from '../../destination.js';
import type { FakeBroker } from './fake-broker.js';
import type { FakeFilter, FakeMember } from './fake-group.js';

type Filter = NonNullable<Parameters<PushConsumer['subscribe']>[1]>;

/** A consumer of the fake broker. It checks options and subscriptions as the real one does, and opens no connection. */
export class FakeConsumer extends PushConsumer {
  readonly #broker: FakeBroker;
  readonly #subscriptions = new Map<string, FakeFilter>();
  /** Expressions that are not compiled yet, by topic. */
  readonly #sql = new Map<string, string>();
  #handler: MessageHandler | undefined;
  #member: FakeMember | undefined;

  constructor(options: SharedPushConsumerOptions, instance: ClientInstance, broker: FakeBroker) {
    super(options, instance);
    this.#broker = broker;
  }

  override subscribe(topic: string, filter: Filter = '*'): this {
    if (typeof filter === 'string') this.#subscriptions.set(topic, byTags(filter));
    else this.#sql.set(topic, filter.sql92);
    return super.subscribe(topic, filter);
  }

  override unsubscribe(topic: string): this {
    this.#subscriptions.delete(topic);
    this.#sql.delete(topic);
    return super.unsubscribe(topic);
  }

  override listen(handler: MessageHandler): this {
    this.#handler = handler;
    return super.listen(handler);
  }

  override async start(): Promise<void> {
    if (this.#handler === undefined || this.#member !== undefined) return;
    for (const [topic, expression] of this.#sql) this.#subscriptions.set(topic, await bySql(expression));
    this.#sql.clear();
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

function byTags(expression: string): FakeFilter {
  const tags = parseTags(expression);
  return {
    description: tags === undefined ? '' : `:${expression}`,
    accepts: (properties) => tags === undefined || tags.has(properties[PropertyName.TAGS] ?? ''),
  };
}

/**
 * The broker's own filter, which is loaded only where it is needed.
 * @throws Error naming the expression and what is wrong with it
 */
async function bySql(expression: string): Promise<FakeFilter> {
  const { ExpressionCompiler } = await import('@rocketnest/broker');
  return { description: `[${expression}]`, accepts: new ExpressionCompiler().compile('SQL92', expression) };
}
