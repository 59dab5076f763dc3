// The Node client as a load generator: the subcommands, words and events of dev.rocketnest.bench.Driver.
import { connections } from './connections.js';
import { drain } from './drain.js';
import { Words } from './events.js';
import { send } from './send.js';

const SUBCOMMANDS: Readonly<Record<string, (words: Words) => Promise<void>>> = { send, drain, connections };

const [name = '', ...words] = process.argv.slice(2);
const subcommand = SUBCOMMANDS[name];
if (subcommand === undefined) throw new Error(`the first word must be one of ${Object.keys(SUBCOMMANDS).join(', ')}`);
await subcommand(new Words(words));
process.exit(0);
