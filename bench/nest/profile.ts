// npx tsx bench/nest/profile.ts DIR [EVENTS]: what the CPU profiles of a directory say, by package and by function. Profiles come from
// BENCH_NEST_PROFILE=DIR npm run bench -- nest-cost-listener
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The parts of V8's .cpuprofile that are read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Ids of nodes, and the microseconds between them. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 30;
const IDLE: ReadonlySet<string> = new Set(['(idle)', '(program)']);

const [directory, events] = process.argv.slice(2);
if (directory === undefined) throw new Error('Say which directory: npx tsx bench/nest/profile.ts DIR [EVENTS]');

for (const file of readdirSync(directory)
  .filter((name) => name.endsWith('.cpuprofile'))
  .sort()) {
  const { byFunction, byPackage, total } = selfTimes(
    JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile,
  );
  console.log(`\n${basename(file)}: ${(total / 1_000).toFixed(0)} ms busy`);
  show('package', byPackage, total);
  show('function', byFunction, total);
}

function selfTimes({ nodes, samples, timeDeltas }: CpuProfile) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byFunction = new Map<string, number>();
  const byPackage = new Map<string, number>();
  let total = 0;
  for (const [i, id] of samples.entries()) {
    const { functionName, url, lineNumber } = frames.get(id)!;
    if (IDLE.has(functionName)) continue;
    const time = timeDeltas[i]!;
    total += time;
    const place = url === '' ? '' : ` ${packageOf(url)}/${basename(url)}:${lineNumber + 1}`;
    add(byFunction, `${functionName || '(anonymous)'}${place}`, time);
    add(byPackage, url === '' ? functionName : packageOf(url), time);
  }
  return { byFunction, byPackage, total };
}

/** `@nestjs/core`, `packages/client`, `node`. */
function packageOf(url: string): string {
  if (url.startsWith('node:')) return 'node';
  const path = /(?:node_modules\/((?:@[^/]+\/)?[^/]+)|(packages\/[^/]+))(?!.*node_modules\/)/.exec(url);
  return path?.[1] ?? path?.[2] ?? 'the application';
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

function show(title: string, sums: ReadonlyMap<string, number>, total: number): void {
  const rows = [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, time]) => ({
      [title]: name,
      'self, ms': Math.round(time / 1_000),
      share: `${((time * 100) / total).toFixed(1)} %`,
      ...(events === undefined ? {} : { 'µs an event': Number((time / Number(events)).toFixed(2)) }),
    }));
  console.table(rows);
}
