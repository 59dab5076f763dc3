/**
 * Loaded into every service of the story beside its own code (`node --import`), so that the services know nothing of the story: they
 * live as long as it does, and one of them has an accident when it says so.
 */
import pg from 'pg';

// Nobody would stop them otherwise.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));

export type Command = 'die after the next order is committed';

process.on('message', (command: Command) => {
  if (command === 'die after the next order is committed') dieAfterCommit('orders');
});

type QueryMethod = (this: pg.Client, ...parameters: unknown[]) => unknown;

/** kill -9 once a transaction that has written to `table` is committed, before whoever committed it hears of that. */
function dieAfterCommit(table: string): void {
  const writers = new WeakSet<pg.Client>();
  const prototype = pg.Client.prototype as unknown as { query: QueryMethod };
  const query = prototype.query;
  prototype.query = function (...parameters) {
    const answer = query.apply(this, parameters);
    const sql = typeof parameters[0] === 'string' ? parameters[0] : '';
    if (new RegExp(`(into|update) ${table}\\b`, 'i').test(sql)) writers.add(this);
    if (/^commit/i.test(sql) && writers.has(this)) {
      void (answer as Promise<unknown>).then(() => process.kill(process.pid, 'SIGKILL'));
    }
    return answer;
  };
}
