/** Versions as commands carry them. Source of truth: `MQVersion` (rocketmq-common), whose ordinal is the number on the wire. */

/** 5.5.0. */
export const CURRENT_VERSION = 513;

/** The first release of RocketMQ 5. */
export const V5_0_0 = 413;

const HIGHER_VERSION = 612;

/** The first ordinals have irregular names; the rest alternates between `…_SNAPSHOT` and the release. */
const oldest = [
  ...['V3_0_0_SNAPSHOT', 'V3_0_0_ALPHA1', 'V3_0_0_BETA1', 'V3_0_0_BETA2', 'V3_0_0_BETA3', 'V3_0_0_BETA4'],
  ...['V3_0_0_BETA5', 'V3_0_0_BETA6_SNAPSHOT', 'V3_0_0_BETA6', 'V3_0_0_BETA7_SNAPSHOT', 'V3_0_0_BETA7'],
  ...['V3_0_0_BETA8_SNAPSHOT', 'V3_0_0_BETA8', 'V3_0_0_BETA9_SNAPSHOT', 'V3_0_0_BETA9', 'V3_0_0_FINAL'],
] as const;

/** Where each numbering scheme starts: first ordinal, its major and minor, first patch and number of patches per minor. */
const schemes = [
  { from: 212, major: 4, minor: 0, firstPatch: 0, patches: 10 },
  { from: 86, major: 3, minor: 3, firstPatch: 1, patches: 9 },
  { from: 46, major: 3, minor: 1, firstPatch: 0, patches: 10 },
  { from: 16, major: 3, minor: 0, firstPatch: 1, patches: 15 },
] as const;

/** `V5_5_0` for 513. Ordinals beyond the table read `HIGHER_VERSION`, negative ones `UNKNOWN`. */
export function versionName(ordinal: number): string {
  if (ordinal < 0) return 'UNKNOWN';
  if (ordinal >= HIGHER_VERSION) return 'HIGHER_VERSION';
  const scheme = schemes.find(({ from }) => ordinal >= from);
  if (scheme === undefined) return oldest[ordinal] ?? 'UNKNOWN';
  const release = Math.floor((ordinal - scheme.from) / 2);
  const minors = scheme.minor + Math.floor(release / scheme.patches);
  const major = scheme.major + Math.floor(minors / 10);
  const patch = scheme.firstPatch + (release % scheme.patches);
  const snapshot = (ordinal - scheme.from) % 2 === 0 ? '_SNAPSHOT' : '';
  return `V${major}_${minors % 10}_${patch}${snapshot}`;
}
