import { SqlLexer, SqlSyntaxError, type Token } from './sql-lexer.js';
import {
  compareOrdered,
  compareValues,
  decimalLiteral,
  floatLiteral,
  isNumber,
  negate,
  type SqlNumber,
  type SqlValue,
  sameValue,
} from './sql-values.js';

/** A message's properties as an expression sees them. */
export type Properties = Readonly<Record<string, string>>;
type Evaluate = (properties: Properties) => SqlValue;

/** A part of an expression. */
interface Part {
  readonly evaluate: Evaluate;
  /** The result is true, false or unknown: what AND, OR and NOT take. */
  readonly isBoolean?: boolean;
  /** The name, when the part is a property. */
  readonly property?: string;
  /** The value, when the part is a literal. */
  readonly literal?: SqlValue;
}

/** Deeper nesting would exhaust the stack. */
const MAX_DEPTH = 500;

/**
 * Compiles an SQL92 expression into a function that tells whether a message with these properties matches. Unknown
 * (a property that is not there) does not match, nor does a comparison that makes no sense (`a > 5` with `a` = `x`).
 *
 * ```
 * or         := and (OR and)*
 * and        := equality (AND equality)*
 * equality   := comparison (= comparison | <> comparison | IS [NOT] NULL)*
 * comparison := unary ((> | >= | < | <=) unary | [NOT] (CONTAINS | STARTSWITH | ENDSWITH) text
 *                     | [NOT] BETWEEN unary AND unary | [NOT] IN ( text, … ))*
 * unary      := + unary | - unary | NOT unary | literal | property | ( or )
 * ```
 * Grammar, three-valued logic and all corner cases are Java's (`SelectorParser.jj`, `expression.*`): what follows a complete
 * expression is ignored, `NOT a = 1` negates `a` alone, zero cannot be written as a float.
 *
 * @throws SqlSyntaxError saying what is wrong and where
 */
export function compileSql(expression: string): (properties: Properties) => boolean {
  const { evaluate } = new SqlParser(expression).parse();
  return (properties) => {
    try {
      return evaluate(properties) === true;
    } catch {
      // IncomparableError, or a stack exhausted by the expression: no match (Java logs it for each message).
      return false;
    }
  };
}

class SqlParser {
  private readonly lexer: SqlLexer;
  private readonly ahead: Token[] = [];
  private depth = 0;

  constructor(expression: string) {
    this.lexer = new SqlLexer(expression);
  }

  parse(): Part {
    return this.asBoolean(this.or());
  }

  private or(): Part {
    return this.chain('OR', () => this.and(), anyOf);
  }

  private and(): Part {
    return this.chain('AND', () => this.equality(), allOf);
  }

  /** Operands joined by a keyword, in one flat list: a long chain must not become a deep tree. */
  private chain(keyword: string, operand: () => Part, join: (parts: Part[]) => Part): Part {
    const first = operand();
    if (!this.isNext(keyword)) return first;
    const parts = [this.asBoolean(first)];
    while (this.skip(keyword)) parts.push(this.asBoolean(operand()));
    return join(parts);
  }

  private equality(): Part {
    let left = this.comparison();
    for (;;) {
      const { at } = this.peek();
      if (this.skip('=')) left = this.equal(left, this.comparison(), at);
      else if (this.skip('<>')) left = not(this.equal(left, this.comparison(), at));
      else if (this.skip('IS')) {
        const negated = this.skip('NOT');
        this.expect('NULL');
        left = negated ? not(equals(left, NULL)) : equals(left, NULL);
      } else return left;
    }
  }

  private equal(left: Part, right: Part, at: number): Part {
    if (left.literal === null || right.literal === null) throw problem(at, 'NULL is tested with IS NULL, not with =');
    if (typeof left.literal === 'boolean' && right.literal !== undefined && typeof right.literal !== 'boolean') {
      throw problem(at, `${left.literal} cannot be compared with a literal that is not TRUE or FALSE`);
    }
    return equals(left, right);
  }

  private comparison(): Part {
    let left = this.unary();
    for (;;) {
      const token = this.peek();
      const ordered = token.kind === 'operator' ? orderings[token.text] : undefined;
      if (ordered !== undefined) {
        this.take();
        left = this.ordered(left, this.unary(), ordered, token.at);
        continue;
      }
      const negated = this.isNext('NOT');
      const keyword = negated ? this.peek(1) : token;
      if (
        keyword.kind !== 'keyword' ||
        (!(keyword.text in searches) && keyword.text !== 'BETWEEN' && keyword.text !== 'IN')
      ) {
        if (negated)
          throw problem(keyword.at, `expected CONTAINS, STARTSWITH, ENDSWITH, BETWEEN or IN, found ${shown(keyword)}`);
        return left;
      }
      if (negated) this.take();
      this.take();
      if (keyword.text === 'BETWEEN') left = this.between(left, negated, keyword.at);
      else if (keyword.text === 'IN') left = this.inList(left, negated, keyword.at);
      else left = search(left, this.text(), searches[keyword.text]!, negated);
    }
  }

  /** `<` and its like take numbers, properties and what becomes a number. */
  private ordered(left: Part, right: Part, test: Ordering, at: number): Part {
    for (const { literal, isBoolean } of [left, right]) {
      if (isBoolean === true || (literal !== undefined && !isNumber(literal))) {
        throw problem(at, 'only numbers and properties can be compared with <, <=, > and >=');
      }
    }
    return {
      isBoolean: true,
      evaluate: (properties) => {
        const a = left.evaluate(properties);
        if (a === null) return null;
        const b = right.evaluate(properties);
        return b === null ? null : test(compareOrdered(a, b));
      },
    };
  }

  private between(value: Part, negated: boolean, at: number): Part {
    const low = this.unary();
    this.expect('AND');
    const high = this.unary();
    if (negated) {
      return anyOf([this.ordered(value, low, orderings['<']!, at), this.ordered(value, high, orderings['>']!, at)]);
    }
    if (isNumber(low.literal ?? null) && isNumber(high.literal ?? null)) {
      const [from, to] = [low.literal as SqlNumber, high.literal as SqlNumber];
      if (compareValues(to, from) < 0) throw problem(at, `BETWEEN ${from.value} AND ${to.value} holds no value`);
    }
    return allOf([this.ordered(value, low, orderings['>=']!, at), this.ordered(value, high, orderings['<=']!, at)]);
  }

  private inList(left: Part, negated: boolean, at: number): Part {
    this.expect('(');
    const values = new Set([this.text()]);
    while (this.skip(',')) values.add(this.text());
    this.expect(')');
    if (left.property === undefined) throw problem(at, 'only a property can be tested with IN');
    return {
      isBoolean: true,
      evaluate: (properties) => {
        const value = left.evaluate(properties);
        return typeof value === 'string' ? values.has(value) !== negated : null;
      },
    };
  }

  private unary(): Part {
    if (++this.depth > MAX_DEPTH) throw problem(this.peek().at, `nested deeper than ${MAX_DEPTH} levels`);
    try {
      if (this.skip('+')) return this.unary();
      if (this.skip('-')) return negative(this.unary());
      if (this.skip('NOT')) return not(this.asBoolean(this.unary()));
      return this.primary();
    } finally {
      this.depth--;
    }
  }

  private primary(): Part {
    const token = this.take();
    if (token.kind === 'string') return literal(token.text);
    if (token.kind === 'name') return property(token.text);
    if (token.kind === 'decimal' || token.kind === 'float') {
      const number = token.kind === 'decimal' ? decimalLiteral(token.text) : floatLiteral(token.text);
      if (number === undefined) throw problem(token.at, `the number ${token.text.slice(0, 64)} is out of range`);
      return literal(number);
    }
    if (token.kind === 'operator' && token.text === '(') {
      const inner = this.or();
      this.expect(')');
      return inner;
    }
    const constant = token.kind === 'keyword' ? constants[token.text] : undefined;
    if (constant === undefined) throw problem(token.at, `expected a value, found ${shown(token)}`);
    return constant;
  }

  /** A property alone may stand for a condition, but a text is never true. */
  private asBoolean(part: Part): Part {
    if (part.isBoolean === true) return part;
    if (part.property === undefined)
      throw problem(this.peek().at, 'a condition is expected before this place, not a value');
    return { isBoolean: true, evaluate: (properties) => (part.evaluate(properties) === null ? null : false) };
  }

  private text(): string {
    const token = this.take();
    if (token.kind !== 'string') throw problem(token.at, `expected a text in single quotes, found ${shown(token)}`);
    return token.text;
  }

  private peek(distance = 0): Token {
    while (this.ahead.length <= distance) this.ahead.push(this.lexer.next());
    return this.ahead[distance]!;
  }

  private take(): Token {
    const token = this.peek();
    this.ahead.shift();
    return token;
  }

  private isNext(text: string): boolean {
    const token = this.peek();
    return (token.kind === 'keyword' || token.kind === 'operator') && token.text === text;
  }

  private skip(text: string): boolean {
    if (!this.isNext(text)) return false;
    this.take();
    return true;
  }

  private expect(text: string): void {
    if (!this.skip(text)) throw problem(this.peek().at, `expected ${text}, found ${shown(this.peek())}`);
  }
}

type Ordering = (answer: number) => boolean;

const orderings: Readonly<Record<string, Ordering>> = {
  '>': (answer) => answer > 0,
  '>=': (answer) => answer >= 0,
  '<': (answer) => answer < 0,
  '<=': (answer) => answer <= 0,
};

const searches: Readonly<Record<string, (text: string, wanted: string) => boolean>> = {
  CONTAINS: (text, wanted) => text.includes(wanted),
  STARTSWITH: (text, wanted) => text.startsWith(wanted),
  ENDSWITH: (text, wanted) => text.endsWith(wanted),
};

const literal = (value: SqlValue): Part => ({ literal: value, evaluate: () => value });
const constant = (value: boolean | null): Part => ({ ...literal(value), isBoolean: true });
const NULL = constant(null);
const constants: Readonly<Record<string, Part>> = { TRUE: constant(true), FALSE: constant(false), NULL };

const property = (name: string): Part => ({
  property: name,
  evaluate: (properties) => (Object.hasOwn(properties, name) ? properties[name]! : null),
});

const negative = (part: Part): Part => ({
  evaluate: (properties) => {
    const value = part.evaluate(properties);
    return isNumber(value) ? negate(value) : null;
  },
});

const not = (part: Part): Part => ({
  isBoolean: true,
  evaluate: (properties) => {
    const value = part.evaluate(properties);
    return value === null ? null : value !== true;
  },
});

/** Also IS NULL: a missing right side makes the answer false, a missing left side makes it unknown, both make it true. */
const equals = (left: Part, right: Part): Part => ({
  isBoolean: true,
  evaluate: (properties) => {
    const a = left.evaluate(properties);
    const b = right.evaluate(properties);
    if (a === null || b === null) return a === b ? true : a === null ? null : false;
    return sameValue(a, b) || compareValues(a, b) === 0;
  },
});

/** False for what is not there or not a text, negated or not. */
const search = (
  part: Part,
  wanted: string,
  test: (text: string, wanted: string) => boolean,
  negated: boolean,
): Part => ({
  isBoolean: true,
  evaluate: (properties) => {
    // Searching for nothing finds nothing, and does not even look.
    if (wanted === '') return false;
    const value = part.evaluate(properties);
    return typeof value === 'string' && test(value, wanted) !== negated;
  },
});

/** OR: true as soon as one is, else unknown if one is. */
const anyOf = (parts: readonly Part[]): Part => joined(parts, true);
/** AND: false as soon as one is, else unknown if one is. */
const allOf = (parts: readonly Part[]): Part => joined(parts, false);

function joined(parts: readonly Part[], decisive: boolean): Part {
  return {
    isBoolean: true,
    evaluate: (properties) => {
      let unknown = false;
      for (const part of parts) {
        const value = part.evaluate(properties);
        if (value === decisive) return decisive;
        if (value === null) unknown = true;
      }
      return unknown ? null : !decisive;
    },
  };
}

const problem = (at: number, detail: string): SqlSyntaxError => new SqlSyntaxError(`at position ${at}: ${detail}`);

const shown = ({ kind, text }: Token): string => (kind === 'end' ? text : JSON.stringify(text.slice(0, 64)));
