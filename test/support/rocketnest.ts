import { fileURLToPath } from 'node:url';
import type { ServerCommands } from './servers.js';

const bin = fileURLToPath(new URL('../../packages/cli/bin/rocketnest.js', import.meta.url));

/** Our servers, as a user starts them: through the built command line. */
export const rocketnest: ServerCommands = {
  namesrv: ({ conf }) => ({ command: process.execPath, args: [bin, 'namesrv', '-c', conf] }),
  broker: ({ conf, namesrvAddr }) => ({
    command: process.execPath,
    args: [bin, 'broker', '-n', namesrvAddr, '-c', conf],
  }),
};
