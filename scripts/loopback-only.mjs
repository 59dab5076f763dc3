// Servers that listen on all interfaces and cannot be told otherwise run where loopback is the only one: in a network
// namespace of their own, as far as this user may make one (Linux: root, or user namespaces).
import { spawnSync } from 'node:child_process';

/** Set in the process that runs in such a namespace. */
const MARK = 'ROCKETNEST_LOOPBACK_ONLY';
const UP = 'ip link set lo up';

/** How this user makes a network namespace; undefined when there is no way. */
const unshare = () =>
  [['--net'], ['--map-root-user', '--net']].find(
    (flags) => spawnSync('unshare', [...flags, 'sh', '-c', UP], { stdio: 'ignore' }).status === 0,
  );

/**
 * Runs this script again, with `args`, where loopback is the only interface, and ends with its exit code. Returns when that has
 * been done, or cannot be; then it says so.
 */
export function continueOnLoopbackOnly(args) {
  if (process.env[MARK] !== undefined) return;
  const flags = unshare();
  if (flags === undefined) {
    console.warn('No network namespace can be made here: the servers of this run listen on all interfaces.');
    return;
  }
  const command = [process.execPath, process.argv[1], ...args];
  const { status } = spawnSync('unshare', [...flags, 'sh', '-c', `${UP} && exec "$@"`, 'sh', ...command], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  });
  process.exit(status ?? 1);
}
