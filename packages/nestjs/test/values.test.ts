// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { describe, expect, it } from '@jest/globals';
import { must } from '../src/checks.js';
import { ValueResolver } from '../src/values.js';

const config = new Map<string, unknown>([
  ['orders.topic', 'order'],
  ['threads', 8],
  ['threadsText', '8'],
  ['nothing', null],
]);
const values = new ValueResolver({ get: (key) => config.get(key) });
const resolve = (value: unknown, row = must.beText): unknown => values.resolve('OrderListener.topic', value, row);

describe('ValueResolver', () => {
  it('leaves literals as they are', () => {
    expect(resolve('order')).toBe('order');
    expect(resolve(5, must.beInteger(1))).toBe(5);
  });

  it('fills placeholders, several of them and inside other text', () => {
    expect(resolve('${orders.topic}')).toBe('order');
    expect(resolve('dev-${orders.topic}-${threads}')).toBe('dev-order-8');
  });

  it('takes the part after the colon when the key has no value', () => {
    expect(resolve('${missing:fallback}')).toBe('fallback');
    expect(resolve('${nothing:a:b}')).toBe('a:b');
    expect(resolve('${orders.topic:other}')).toBe('order');
  });

  it('turns text into the type of the option', () => {
    expect(resolve('${threads}', must.beInteger(1))).toBe(8);
    expect(resolve('${threadsText}', must.beInteger(1))).toBe(8);
    expect(resolve('${missing:12}', must.beInteger(1))).toBe(12);
    expect(resolve('${missing:false}', must.beBoolean)).toBe(false);
  });

  it('calls functions with the configuration', () => {
    expect(resolve((reader: { get(key: string): unknown }) => reader.get('orders.topic'))).toBe('order');
  });

  it('names the listener, the text and the key when a key is unknown', () => {
    expect(() => resolve('${orders.tpoic}')).toThrow(
      /OrderListener\.topic: '\$\{orders\.tpoic\}' needs configuration key 'orders\.tpoic', but the configuration has no such key.*\$\{orders\.tpoic:default\}/,
    );
  });

  it('says how to get a configuration when there is none', () => {
    const bare = new ValueResolver(undefined);
    expect(() => bare.resolve('X.topic', '${a}', must.beText)).toThrow(/no ConfigService.*`resolver` option/);
    expect(() => bare.resolve('X.topic', (c: { get(key: string): unknown }) => c.get('a'), must.beText)).toThrow(
      /X\.topic asks for configuration key 'a'/,
    );
    expect(bare.resolve('X.topic', '${a:order}', must.beText)).toBe('order');
  });

  it('refuses a value that does not fit, after resolving it', () => {
    expect(() => resolve('${orders.topic}', must.beInteger(1, 10))).toThrow(
      "OrderListener.topic must be an integer from 1 to 10, got 'order'.",
    );
    expect(() => resolve('${missing:}')).toThrow("OrderListener.topic must be a non-empty string, got ''.");
  });
});
