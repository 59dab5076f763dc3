import { createServer } from 'node:net';

// Below the kernel's ephemeral range, so that no outgoing connection takes a port between the check and the use.
const LOWEST = 15_000;
const HIGHEST = 30_000;
const ATTEMPTS = 100;

/**
 * A port that is free on the loopback interface together with its neighbours at the given distances.
 * Apache's broker also listens on listenPort - 2 (the "VIP" port) and listenPort + 1 (HA).
 */
export async function freePort(neighbours: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const checks = await Promise.all([0, ...neighbours].map((distance) => isFree(port + distance)));
    if (checks.every(Boolean)) return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST} after ${ATTEMPTS} attempts`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
