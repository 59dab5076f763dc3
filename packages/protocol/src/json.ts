/**
 * JSON as fastjson writes it. Java's bodies go beyond the standard in one way that matters: map keys are not texts only.
 *
 * - numbers: `{0:"10.0.0.1:10911"}` (brokerAddrs, offsets by queue)
 * - objects: `{{"brokerName":"a","queueId":0,"topic":"t"}:{…}}` (statistics by queue)
 */

import { ProtocolError } from './errors.js';

/** An object whose keys are objects: its entries in order. */
export class KeyedEntries {
  constructor(readonly entries: readonly (readonly [key: unknown, value: unknown])[]) {}
}

/** Deeper documents are refused: no body of RocketMQ comes near. */
const MAX_DEPTH = 256;

/**
 * Parses fastjson's JSON in linear time. Number keys become texts; an object with object keys becomes {@link KeyedEntries}.
 * @throws ProtocolError with the position (in characters) of what is wrong
 */
export function parseFastjson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return new Parser(text).document();
  }
}

class Parser {
  readonly #literalPattern = /(-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?|true|false|null)(?![\w.])/y;
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('the end');
    return value;
  }

  #value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.#error(`nested deeper than ${MAX_DEPTH} levels`);
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#literal();
    }
  }

  #object(depth: number): unknown {
    const entries: [key: unknown, value: unknown][] = [];
    let keyed = false;
    this.#list('}', () => {
      const key = this.#value(depth + 1);
      if (typeof key === 'object' && key !== null) keyed = true;
      this.#space();
      if (this.#text[this.#at] !== ':') throw this.#unexpected('a colon');
      this.#at++;
      entries.push([key, this.#value(depth + 1)]);
    });
    return keyed ? new KeyedEntries(entries) : Object.fromEntries(entries);
  }

  #array(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#list(']', () => items.push(this.#value(depth + 1)));
    return items;
  }

  /** Comma-separated items between the bracket at the current position and `close`. */
  #list(close: string, item: () => void): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      item();
      this.#space();
      const char = this.#text[this.#at];
      if (char !== ',' && char !== close) throw this.#unexpected(`"," or "${close}"`);
      this.#at++;
      if (char === close) return;
    }
  }

  #string(): string {
    const start = this.#at;
    let end = start;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) throw this.#error('string without an end');
    } while (this.#isEscaped(end));
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, this.#at));
    } catch {
      this.#at = start;
      throw this.#error('malformed string');
    }
  }

  /** Whether an odd number of backslashes stands before `index`. */
  #isEscaped(index: number): boolean {
    let before = index - 1;
    while (this.#text.charCodeAt(before) === 92) before--;
    return (index - before) % 2 === 0;
  }

  #literal(): unknown {
    this.#literalPattern.lastIndex = this.#at;
    const match = this.#literalPattern.exec(this.#text)?.[0];
    if (match === undefined) throw this.#unexpected('a value');
    this.#at += match.length;
    return JSON.parse(match);
  }

  #space(): void {
    for (;;) {
      const char = this.#text.charCodeAt(this.#at);
      if (char !== 32 && char !== 9 && char !== 10 && char !== 13) return;
      this.#at++;
    }
  }

  #unexpected(expected: string): ProtocolError {
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'the end';
    return this.#error(`expected ${expected}, found ${found}`);
  }

  #error(detail: string): ProtocolError {
    return new ProtocolError(`Malformed JSON at position ${this.#at}: ${detail}`, { context: { position: this.#at } });
  }
}
