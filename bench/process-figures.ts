import { readFileSync } from 'node:fs';

/** Clock ticks a second of /proc/<pid>/stat on Linux (USER_HZ, the same on every architecture Node runs on). */
const TICKS_PER_SECOND = 100;

/** CPU time, user and system, that a process has used so far, in seconds. Linux only. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in parentheses and may hold spaces; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory of a process in MiB, files it has mapped included. Linux only. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS');
}

/** Resident memory that belongs to no file, in MiB. Linux only. */
export function anonymousMiB(pid: number): number {
  return statusMiB(pid, 'RssAnon');
}

function statusMiB(pid: number, field: string): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) / 1024;
}
