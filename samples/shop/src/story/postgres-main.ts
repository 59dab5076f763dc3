import { EmbeddedPostgres } from './postgres.js';

// Ctrl-C reaches all processes of the terminal; the services need their database until they have closed.
process.on('SIGINT', () => {});

const postgres = await EmbeddedPostgres.start();
console.log(`serves ${postgres.url}`);

for (const event of ['SIGTERM', 'disconnect']) {
  process.once(event, () => void postgres.close().then(() => process.exit(0)));
}
