/** Tokens of SQL92 expressions. Source of truth: `SelectorParser.jj` (rocketmq-filter). */

const KEYWORDS = new Set([
  'NOT',
  'AND',
  'OR',
  'BETWEEN',
  'IN',
  'TRUE',
  'FALSE',
  'NULL',
  'IS',
  'CONTAINS',
  'STARTSWITH',
  'ENDSWITH',
]);

export interface Token {
  /** `keyword`: `text` is in capitals; `operator`: one of `= <> < <= > >= ( ) , + -`; `string`: `text` is its value. */
  readonly kind: 'keyword' | 'name' | 'string' | 'decimal' | 'float' | 'operator' | 'end';
  readonly text: string;
  /** Where it starts in the expression. */
  readonly at: number;
}

/** An expression that cannot be used: what is wrong and where. */
export class SqlSyntaxError extends Error {}

/** Rules of one token each; the first that fits wins. Floats come before decimals, as the longer match. */
const rules: readonly (readonly [Token['kind'], RegExp])[] = [
  ['name', /[a-zA-Z_$][a-zA-Z0-9_$]*/y],
  ['float', /\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y],
  ['decimal', /0|[1-9]\d*[lL]?/y],
  ['operator', /<>|<=|>=|[=<>(),+-]/y],
];

/** Reads tokens one by one: what follows the part that the parser needs is never looked at, as in Java. */
export class SqlLexer {
  private at = 0;
  private readonly lastLineEnd: number;

  constructor(private readonly text: string) {
    this.lastLineEnd = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
  }

  /** @throws SqlSyntaxError when no token starts here */
  next(): Token {
    this.skipBlanksAndComments();
    const { text, at } = this;
    if (at >= text.length) return { kind: 'end', text: 'the end', at };
    if (text[at] === "'") return this.string();
    for (const [kind, rule] of rules) {
      rule.lastIndex = at;
      const found = rule.exec(text)?.[0];
      if (found === undefined) continue;
      this.at += found.length;
      const upper = found.toUpperCase();
      return kind === 'name' && KEYWORDS.has(upper) ? { kind: 'keyword', text: upper, at } : { kind, text: found, at };
    }
    throw new SqlSyntaxError(`at position ${at}: unexpected character ${JSON.stringify(text[at])}`);
  }

  private skipBlanksAndComments(): void {
    const { text } = this;
    for (;;) {
      while (this.at < text.length && ' \t\n\r\f'.includes(text[this.at]!)) this.at++;
      // A line comment needs its line end: without one the dashes are minus signs.
      if (text.startsWith('--', this.at) && this.at < this.lastLineEnd) {
        while (text[this.at] !== '\n' && text[this.at] !== '\r') this.at++;
      } else if (text.startsWith('/*', this.at)) {
        const end = text.indexOf('*/', this.at + 2);
        if (end < 0) throw new SqlSyntaxError(`at position ${this.at}: the comment has no end */`);
        this.at = end + 2;
      } else return;
    }
  }

  /** `'it''s'`: a quote inside is written twice. */
  private string(): Token {
    const { text, at } = this;
    let end = text.indexOf("'", at + 1);
    while (end >= 0 && text[end + 1] === "'") {
      const next = text.indexOf("'", end + 2);
      // Nothing closes behind the doubled quote: its first half is the end.
      if (next < 0) break;
      end = next;
    }
    if (end < 0) throw new SqlSyntaxError(`at position ${at}: the text has no closing quote`);
    this.at = end + 1;
    return { kind: 'string', text: text.slice(at + 1, end).replaceAll("''", "'"), at };
  }
}
