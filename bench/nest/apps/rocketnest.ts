import type { Settings } from './app.js';

export const TOPIC = 'events';

/** A name server's address; a group that finds what was sent before it; sends that wait as long as those of the other transports. */
export const connectionOf = ({ namesrvAddr }: Settings) => ({
  namesrvAddr: String(namesrvAddr),
  consumer: { consumeFrom: 'FIRST_OFFSET' as const },
  producer: { sendTimeoutMs: 60_000 },
});
