import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where a page links to. */
export const targetsOf = (text: string): string[] =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);

/** Links of a page to files or headings that do not exist, as `page → target`. */
export function brokenLinksOf(root: string, page: string): string[] {
  const targets = targetsOf(readFileSync(join(root, page), 'utf8')).filter((target) => !/^https?:/.test(target));
  return targets.filter((target) => !leads(root, page, target)).map((target) => `${page} → ${target}`);
}

function leads(root: string, page: string, target: string): boolean {
  const [path = '', heading] = target.split('#');
  const file = path === '' ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(file)) return false;
  return heading === undefined || statSync(file).isDirectory() || headingsOf(readFileSync(file, 'utf8')).has(heading);
}

/** As GitHub names them. */
function headingsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
