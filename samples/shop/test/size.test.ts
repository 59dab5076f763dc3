import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const src = fileURLToPath(new URL('../src', import.meta.url));
/** What a reader of the sample is promised. */
const LIMIT = 300;

const linesOf = (folder: string): string[] =>
  readdirSync(join(src, folder)).flatMap((file) =>
    readFileSync(join(src, folder, file), 'utf8')
      .trimEnd()
      .split('\n'),
  );

/** Neither empty nor a comment. */
const isCode = (line: string): boolean => !/^\s*(?:$|\/\/|\/?\*)/.test(line);

it.each(['shop-order', 'shop-user'])('%s is short', (service) => {
  const own = linesOf(service);
  const half = linesOf('common').filter(isCode).length / 2;
  const code = own.filter(isCode).length;
  expect(code).toBeGreaterThan(100);
  expect(own.length).toBeLessThan(LIMIT);
  expect(code + half).toBeLessThan(LIMIT);
});
