// One of several brokers of `rocketnest start --brokers N`, in a process of its own: forked by broker-process.ts, which gives the
// options as an argument and hears the address. It ends when its parent asks for it or is gone, however that ended.
import { Broker, type BrokerOptionValues } from '@rocketnest/broker';
import { type LogLevel, lineLogger } from './logger.js';
import { type RegisteredBroker, registrationOf } from './registered.js';

/** What the parent gives. */
export interface ChildSettings {
  readonly options: BrokerOptionValues;
  readonly logLevel: LogLevel;
}

/** What the parent hears: where the broker is, or why it is not. */
export type ChildReport = RegisteredBroker | { readonly error: string };

const report = (message: ChildReport): Promise<void> =>
  new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));

const { options, logLevel } = JSON.parse(process.argv[2] ?? '') as ChildSettings;
const broker = new Broker({ ...options, logger: lineLogger(logLevel, (line) => process.stderr.write(line)) });

const started = broker.start();
const close = async (): Promise<void> => {
  await started.catch(() => {}); // Which is reported below. What is half open cannot be closed.
  await broker.close();
  process.exit();
};
process.once('disconnect', close);
process.once('SIGTERM', close);
// Ctrl-C reaches the whole group of processes: the parent says when.
process.on('SIGINT', () => {});

try {
  await started;
  await report(registrationOf(broker));
} catch (error) {
  await report({ error: (error as Error).message });
  await close();
}
