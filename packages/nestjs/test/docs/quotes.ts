import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the sources of all packages say, in one text: strings that are put together are one, and `…` stands for what is put in. */
export function readSources(root: string): string {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name, 'src'));
  const files = packages.flatMap((src) =>
    readdirSync(src, { recursive: true, encoding: 'utf8' }).map((file) => join(src, file)),
  );
  const text = files.filter((file) => file.endsWith('.ts')).map((file) => readFileSync(file, 'utf8'));
  return withoutValues(text.join('\n').replace(/['`] \+\s*['`]/g, '')).replace(/\\(['`"])/g, '$1');
}

function withoutValues(code: string): string {
  let text = '';
  let depth = 0;
  for (let i = 0; i < code.length; i++) {
    if (code.startsWith('${', i)) {
      if (depth === 0) text += '…';
      depth++;
      i++;
    } else if (depth === 0) text += code[i];
    else if (code[i] === '{') depth++;
    else if (code[i] === '}') depth--;
  }
  return text;
}

/** Lines of a page's ```text blocks: what users see, with `…` for names and numbers. */
export const quotesOf = (page: string): string[] =>
  [...page.matchAll(/^```text\n(.*?)^```$/gms)].flatMap(([, lines]) => lines!.trim().split('\n'));

/** The parts of a quote that the sources must have. */
export const partsOf = (quote: string): string[] =>
  quote
    .split(/…|(?<=[.:]) /)
    .map((part) => part.replace(/^[^\p{L}@]+|[^\p{L}]+$/gu, ''))
    .filter((part) => part !== '');
