import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { compileSql } from '../../src/filter/sql-parser.js';

/** Random expressions and what Apache's filter module 5.5.0 answers for each of the properties; null: refused. */
const recorded = JSON.parse(readFileSync(join(process.cwd(), 'packages/broker/test/filter/sql-java.json'), 'utf8')) as {
  properties: Record<string, string>[];
  cases: [expression: string, answers: string | null][];
};

const refused = (expression: string): boolean => {
  try {
    compileSql(expression);
    return false;
  } catch {
    return true;
  }
};

describe('an SQL92 expression', () => {
  it.each(recorded.cases)('decides as Java does: %s', (expression, answers) => {
    if (answers === null) {
      expect(refused(expression)).toBe(true);
      return;
    }
    const matches = compileSql(expression);
    expect(recorded.properties.map((properties) => (matches(properties) ? 'T' : '-')).join('')).toBe(answers);
  });

  it.each([
    ['a > 5', { a: '6' }, true],
    ['a > 5', { a: '5' }, false],
    ['a > 5', {}, false],
    ['a > 5', { a: 'x' }, false],
    ['NOT (a > 5)', { a: 'x' }, false],
    ['a > 5', { a: '3000000000' }, false],
    ['a > 5.0', { a: '3000000000' }, true],
    ['a > 5', { a: '6.5' }, false],
    ['a BETWEEN 1 AND 3', { a: '3' }, true],
    ['a NOT BETWEEN 1 AND 3', { a: '3' }, false],
    ["a IN ('x', 'y')", { a: 'y' }, true],
    ["a NOT IN ('x', 'y')", {}, false],
    ['a IS NULL', {}, true],
    ['a IS NOT NULL', { a: 'x' }, true],
    ["a <> 'x'", {}, false],
    ["'x' <> a", {}, true],
    ['a = b', {}, true],
    ["a CONTAINS 'ell'", { a: 'hello' }, true],
    ["a NOT CONTAINS 'ell'", {}, false],
    ["NOT (a CONTAINS 'ell')", {}, true],
    ["a STARTSWITH 'he' AND a ENDSWITH 'lo'", { a: 'hello' }, true],
    ['a = TRUE', { a: 'True' }, true],
    ['TRUE = a', { a: 'true' }, false],
    ['a OR TRUE', { a: 'true' }, true],
    ['a', { a: 'true' }, false],
    ["a = 'it''s'", { a: "it's" }, true],
    ['-a < 5', { a: '1' }, false],
    ['a > -5', { a: '-4' }, true],
    ["constructor = 'x'", {}, false],
    ["Order_Id$ = 'x' /* why */ and not false", { Order_Id$: 'x' }, true],
    ['a > 9223372036854775806', { a: '9223372036854775807' }, true],
    // LIKE is not in the grammar: what is left is `a`, which is never true.
    ["a LIKE 'x'", { a: 'x' }, false],
    ["a = 'x' trailing words are ignored", { a: 'x' }, true],
  ])('%s of %j is %s', (expression, properties, answer) => {
    expect(compileSql(expression)(properties)).toBe(answer);
  });

  it.each([
    ['', /at position 0: expected a value, found the end/],
    ['a >', /at position 3: expected a value, found the end/],
    ['a = NULL', /at position 2: NULL is tested with IS NULL/],
    ["a > 'x'", /at position 2: only numbers and properties/],
    ['a > 1 > 2', /only numbers and properties/],
    ["'a' IN ('x')", /only a property can be tested with IN/],
    ['a IN (1)', /expected a text in single quotes, found "1"/],
    ['a BETWEEN 3 AND 1', /BETWEEN 3 AND 1 holds no value/],
    ['a = 0.0', /0\.0 is out of range/],
    ['a = 9223372036854775808', /out of range/],
    ["a = 'x", /at position 4: the text has no closing quote/],
    ['a # 1', /at position 2: unexpected character "#"/],
    ['5', /condition is expected/],
    ['a NOT 5', /expected CONTAINS, STARTSWITH, ENDSWITH, BETWEEN or IN, found "5"/],
    [`${'('.repeat(100_000)}`, /nested deeper than 500 levels/],
    [`a = ${'-'.repeat(1_000_000)}`, /nested deeper than 500 levels/],
    [`a = '${"''".repeat(500_000)}`, /no closing quote/],
    [`a = ${'9'.repeat(1_000_000)}`, /out of range/],
  ])('%.40s is refused', (expression, message) => {
    expect(() => compileSql(expression)).toThrow(message);
  });

  it('may be a chain of any length', () => {
    const many = Array.from({ length: 50_000 }, (_, i) => `a = '${i}'`).join(' OR ');
    expect(compileSql(many)({ a: '49999' })).toBe(true);
    expect(compileSql(many)({ a: 'x' })).toBe(false);
  });
});
