/** Permissions of topics and brokers. Java: `PermName`. */
export const PermName = {
  INHERIT: 0x1,
  WRITE: 0x2,
  READ: 0x4,
  PRIORITY: 0x8,
} as const;

export function isReadable(perm: number): boolean {
  return (perm & PermName.READ) !== 0;
}

export function isWriteable(perm: number): boolean {
  return (perm & PermName.WRITE) !== 0;
}

export function isInherited(perm: number): boolean {
  return (perm & PermName.INHERIT) !== 0;
}

/** Any combination of the bits below PRIORITY: 0 to 7. */
export function isValidPerm(perm: number): boolean {
  return Number.isInteger(perm) && perm >= 0 && perm < PermName.PRIORITY;
}

/** `RW-`, `R--`, `RWX` … */
export function permToString(perm: number): string {
  return `${isReadable(perm) ? 'R' : '-'}${isWriteable(perm) ? 'W' : '-'}${isInherited(perm) ? 'X' : '-'}`;
}
