// Finds tests by their titles in the sources, for docs/parity.md.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from '@swc/core';

const root = fileURLToPath(new URL('..', import.meta.url));

const SUITES = new Set(['describe', 'fdescribe', 'xdescribe']);
/** `onlyOnOurs(reason)(title, …)` is `it` of the end-to-end tests of @rocketnest/nestjs. */
const TESTS = new Set(['it', 'test', 'fit', 'xit', 'xtest', 'onlyOnOurs']);
/** Parts of a callee, as in `it.skip` or `xdescribe`, by which a test never runs. */
const OFF = /^(?:skip|todo|failing|x(?:it|test|describe))$/;

/**
 * @typedef {{ path: string, line: number, skipped: boolean }} FoundTest
 * path: titles of the suites around the test and its own, joined by ' > '; those of `each` as they are written, with %s and ${…}
 */

/**
 * A file of tests, read once.
 * @param {string} file from the repository's root
 * @returns {FoundTest[]}
 * @throws {Error} when there is no such file, or it is no TypeScript
 */
export function testsIn(file) {
  const path = join(root, file);
  if (!existsSync(path)) throw new Error(`there is no file ${file}`);
  const source = readFileSync(path);
  const found = [];
  visit(parseSync(source.toString(), { syntax: 'typescript', decorators: true }), { titles: [], skipped: false });
  return found;

  /** @param {unknown} node any part of the tree, lists included */
  function visit(node, around) {
    if (typeof node !== 'object' || node === null) return;
    const call = node.type === 'CallExpression' ? testCall(node, source) : undefined;
    const within = call === undefined ? around : extend(around, call);
    if (call?.kind === 'test') {
      found.push({ path: within.titles.join(' > '), line: lineOf(node, source), skipped: within.skipped });
    }
    for (const [key, part] of Object.entries(node)) {
      // Of `it.each(rows)(title)` the first call is no test of its own.
      if (call === undefined || key !== 'callee') visit(part, call?.kind === 'suite' ? within : around);
    }
  }
}

const extend = ({ titles, skipped }, call) => ({
  titles: [...titles, call.title],
  skipped: skipped || call.skipped,
});

/** What `it(title, …)`, `describe.each(…)(title, …)` and the like are; undefined for any other call. */
function testCall({ callee, arguments: [first] }, source) {
  const names = calleeNames(callee);
  const kind = SUITES.has(names[0]) ? 'suite' : TESTS.has(names[0]) ? 'test' : undefined;
  const title = kind === undefined ? undefined : titleOf(first?.expression, source);
  return title === undefined ? undefined : { kind, title, skipped: names.some((name) => OFF.test(name)) };
}

/** `it.each(rows)` → ['it', 'each'] */
function calleeNames(callee) {
  if (callee.type === 'Identifier') return [callee.value];
  if (callee.type === 'MemberExpression') return [...calleeNames(callee.object), callee.property.value];
  if (callee.type === 'CallExpression') return calleeNames(callee.callee);
  if (callee.type === 'TaggedTemplateExpression') return calleeNames(callee.tag);
  return [];
}

function titleOf(expression, source) {
  if (expression?.type === 'StringLiteral') return expression.value;
  // Positions count bytes from 1; the quotes stay outside.
  if (expression?.type === 'TemplateLiteral') {
    return source.subarray(expression.span.start, expression.span.end - 2).toString();
  }
  return undefined;
}

function lineOf({ span }, source) {
  let line = 1;
  for (let i = 0; i < span.start - 1; i += 1) if (source[i] === 0x0a) line += 1;
  return line;
}
