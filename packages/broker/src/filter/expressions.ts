import { ExpressionType } from '@rocketnest/protocol';
import { compileSql, type Properties } from './sql-parser.js';

/** Tells whether a message with these properties matches an expression. */
export type Predicate = (properties: Properties) => boolean;

/** Compiled expressions kept, the latest used. Java: `SelectorParser.PARSE_CACHE`. */
const CACHE_ENTRIES = 100;
/** Longer expressions are compiled each time, so that a hundred of them cannot fill the memory. */
const CACHE_MAX_LENGTH = 8 * 1024;

const compilers: Readonly<Record<string, (expression: string) => Predicate>> = {
  [ExpressionType.SQL92]: compileSql,
};

/** Compiles the expressions of subscriptions that are not tags, each once (`FilterFactory`). */
export class ExpressionCompiler {
  private readonly cache = new Map<string, Predicate | Error>();

  /** @throws Error naming the expression, the place and what is wrong there; also for types other than SQL92 */
  compile(type: string, expression: string): Predicate {
    const key = `${type} ${expression}`;
    const known = this.cache.get(key);
    const result = known ?? this.attempt(type, expression);
    if (known !== undefined) this.cache.delete(key);
    else if (this.cache.size >= CACHE_ENTRIES) this.cache.delete(this.cache.keys().next().value!);
    if (key.length <= CACHE_MAX_LENGTH) this.cache.set(key, result);
    if (result instanceof Error) throw result;
    return result;
  }

  private attempt(type: string, expression: string): Predicate | Error {
    const compiler = Object.hasOwn(compilers, type) ? compilers[type] : undefined;
    if (compiler === undefined) {
      const known = Object.keys(compilers).join(', ');
      return new Error(`unknown expression type ${JSON.stringify(type.slice(0, 64))}: use TAG or ${known}`);
    }
    try {
      return compiler(expression);
    } catch (error) {
      const shown = expression.length > 200 ? `${expression.slice(0, 200)}…` : expression;
      return new Error(`invalid ${type} expression "${shown}": ${(error as Error).message}`);
    }
  }
}
