import { readdirSync, readFileSync } from 'node:fs';
import { cpuSeconds, residentMiB } from '../process-figures.js';

/** A process and all below it, without the shell that watches over it (`leashed`). Linux only. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  const names = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const stat = statOf(pid);
    if (stat === undefined) continue;
    names.set(pid, stat.name);
    children.set(stat.parent, [...(children.get(stat.parent) ?? []), pid]);
  }
  const below = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)];
  return below(root).filter((pid) => pid === root || !WATCHERS.has(names.get(pid)!));
}

const WATCHERS: ReadonlySet<string> = new Set(['sh', 'cat']);

function statOf(pid: number): { readonly name: string; readonly parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    return { name: text.slice(text.indexOf('(') + 1, end), parent: Number(text.slice(end + 2).split(' ')[1]) };
  } catch {
    return undefined; // It has ended meanwhile.
  }
}

/** Of these processes and all below them. */
export const treeCpuSeconds = (roots: readonly number[]): number => sum(roots, cpuSeconds);
export const treeResidentMiB = (roots: readonly number[]): number => sum(roots, residentMiB);

const sum = (roots: readonly number[], figure: (pid: number) => number): number =>
  roots.flatMap(processTree).reduce((total, pid) => total + figure(pid), 0);
