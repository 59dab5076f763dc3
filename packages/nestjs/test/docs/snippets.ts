/**
 * The TypeScript blocks of the guides, as modules that can be compiled and run. A block is followed by what becomes of it, in a comment that
 * readers do not see; a comment before it has what it takes for granted:
 *
 *     <!-- before
 *     const { template: rocketmq } = await guide.start({});
 *     -->
 *     ```ts
 *     await rocketmq.send('order', { id: 1 });
 *     ```
 *     <!-- run
 *     await guide.printed('order 1');
 *     -->
 *
 * `<!-- run -->` alone is for blocks that do something by themselves, `<!-- compile only: needs a Postgres -->` for those that cannot run.
 */
export interface Snippet {
  /** Where the block begins: `docs/nestjs/quick-start.md:12`. */
  readonly name: string;
  /** The module. Its lines are those of the page; everything else of the page is blank. */
  readonly source: string;
  /** Whether it is run. */
  readonly runs: boolean;
  /** What is wrong with its comments. */
  readonly problem: string | undefined;
}

const BLOCK =
  /(?:^<!-- before\n(?<before>.*?)^-->\n\n?)?^```ts\n(?<code>.*?)^```\n(?:\n?^<!-- (?:(?<runs>run)(?: -->|\n(?<run>.*?)^-->)|compile only: (?<reason>[^\n]+) -->))?/dgms;

/** A block of code that BLOCK may have missed. In migration guides what was there before is JavaScript, which needs other packages. */
const FENCE = /^ *```(?:ts\b|typescript\b|(?:js|javascript)\b(?!\n\/\/ before))/gm;

/** A statement that does something when the module is loaded. */
const DOES_SOMETHING = /^(?![/ *]).*\bawait /m;

/** @param page its path, for names */
export function snippetsOf(page: string, text: string): Snippet[] {
  const lines = text.split('\n');
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length;
  const found = [...text.matchAll(BLOCK)].map((match): Snippet => {
    const { before, code, run } = match.indices!.groups!;
    const { runs, reason } = match.groups!;
    const kept = new Set<number>();
    for (const [from, to] of [before, code, run].filter((range) => range !== undefined)) {
      for (let line = lineOf(from); line < lineOf(to); line++) kept.add(line);
    }
    const isIdle = runs !== undefined && run === undefined && !DOES_SOMETHING.test(match.groups!['code']!);
    return {
      name: `${page}:${lineOf(code![0])}`,
      source: lines.map((line, i) => (kept.has(i + 1) ? line : '')).join('\n'),
      runs: runs !== undefined,
      problem:
        runs === undefined && reason === undefined
          ? 'is not followed by <!-- run … --> or <!-- compile only: reason -->, see test/docs/snippets.ts'
          : isIdle
            ? 'only declares things: <!-- run --> needs lines that use them'
            : undefined,
    };
  });
  const missed = (text.match(FENCE)?.length ?? 0) - found.length;
  if (missed === 0) return found;
  const problem = `has ${missed} blocks of code that are not \`\`\`ts at the beginning of a line`;
  return [...found, { name: page, source: '', runs: false, problem }];
}
