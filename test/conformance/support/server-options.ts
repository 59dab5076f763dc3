import type { ServerOptions } from '../../support/servers.js';
import { suiteProfiles } from '../../support/suite-profiles.js';

/** The servers of a conformance run: two brokers, with the short delays and checks of the Java suite's default profile. */
export const serverOptions: ServerOptions = {
  broker: { ...suiteProfiles.default.broker, recallMessageEnable: true, traceTopicEnable: true },
  brokers: [{}, {}],
};
