import type { Settings } from './app.js';

export const TOPIC = 'events';

/** A name server's address; a group that finds what was sent before it. */
export const connectionOf = ({ namesrvAddr }: Settings) => ({
  namesrvAddr: String(namesrvAddr),
  consumer: { consumeFrom: 'FIRST_OFFSET' as const },
});
