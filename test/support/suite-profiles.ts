import type { ServerOptions } from './servers.js';

/**
 * The servers of the Java suite, by the name in a class's `@Profile`. One start per profile: add one only for keys that
 * `default` cannot have.
 */
export const suiteProfiles = {
  default: {
    broker: {
      // short steps, so that delays and retries are quick; levels 5 and 18 are the long ones
      messageDelayLevel: '1s 1s 1s 1s 3s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1h',
      transactionTimeOut: 1_000,
      transactionCheckInterval: 1_000,
      transactionCheckMax: 3,
      enablePropertyFilter: true,
    },
  },
  'two-brokers': { brokers: [{}, {}], namesrvs: 2 },
} as const satisfies Readonly<Record<string, ServerOptions>>;

export type SuiteProfile = keyof typeof suiteProfiles;

export function isSuiteProfile(name: string): name is SuiteProfile {
  return Object.hasOwn(suiteProfiles, name);
}
