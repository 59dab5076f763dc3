import { beforeEach, describe, expect, it } from '@jest/globals';
import { parseSubscription } from '@rocketnest/protocol';
import { type Connection, silentLogger } from '@rocketnest/remoting';
import type { ClientInfo } from '../src/clients.js';
import { ConsumerTable, type GroupMode } from '../src/consumers.js';
import { resolveBrokerOptions } from '../src/options.js';
import { ProducerTable } from '../src/producers.js';

const MODE: GroupMode = {
  consumeType: 'CONSUME_PASSIVELY',
  messageModel: 'CLUSTERING',
  consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
};

/** A connection as the tables see one. */
function fakeConnection(): Connection & { closed: boolean; writable: boolean } {
  const connection = { closed: false, writable: true, close: () => undefined };
  connection.close = () => {
    connection.closed = true;
  };
  return connection as unknown as Connection & { closed: boolean; writable: boolean };
}

describe('silent clients', () => {
  let now = 0;
  let notified: string[];
  let consumers: ConsumerTable;
  let producers: ProducerTable;
  const clock = { now: () => now };
  const client = (clientId: string): ClientInfo => ({
    connection: fakeConnection(),
    clientId,
    language: 'JAVA',
    version: 513,
    lastSeen: now,
  });

  beforeEach(() => {
    now = 1_000_000;
    notified = [];
    const options = resolveBrokerOptions({ channelExpiredTimeout: 120_000 });
    const notify = (group: string, members: Iterable<Connection>) => notified.push(`${group}:${[...members].length}`);
    consumers = new ConsumerTable({ options, clock, logger: silentLogger, notify });
    producers = new ProducerTable(clock, silentLogger);
  });

  it('are dropped after two minutes, and their group learns of it', () => {
    const [lively, silent] = [client('lively'), client('silent')];
    for (const each of [lively, silent]) consumers.register('g', each, MODE, [], true);
    now += 60_000;
    consumers.register('g', { ...lively, lastSeen: now }, MODE, [], true);
    now += 60_001;
    notified = [];
    consumers.expire();
    expect(consumers.group('g')?.clientIds).toEqual(['lively']);
    expect(silent.connection.closed).toBe(true);
    expect(notified).toEqual(['g:1']);
  });

  it('of producer groups are dropped likewise', () => {
    const silent = client('silent');
    producers.register('p', silent);
    now += 120_000;
    producers.expire();
    expect(producers.members('p')).toHaveLength(1);
    now += 1;
    producers.expire();
    expect(producers.members('p')).toHaveLength(0);
    expect(silent.connection.closed).toBe(true);
  });

  it('do not keep the subscriptions that their pulls brought along', () => {
    consumers.rememberPull('g', parseSubscription('t', '*', 'TAG', now));
    now += 600_000;
    consumers.expire();
    expect(consumers.subscription('g', 't')).toBeDefined();
    now += 1;
    consumers.expire();
    expect(consumers.subscription('g', 't')).toBeUndefined();
  });

  it('of a broadcasting group do not disturb the others', () => {
    const mode = { ...MODE, messageModel: 'BROADCASTING' } as const;
    consumers.register('g', client('a'), mode, [], true);
    consumers.register('g', client('b'), mode, [], true);
    expect(notified).toEqual([]);
  });
});

describe('the producers of a group', () => {
  it('take turns, those that accept writes first', () => {
    const producers = new ProducerTable({ now: () => 0 }, silentLogger);
    const connections = [fakeConnection(), fakeConnection(), fakeConnection()];
    for (const connection of connections) {
      producers.register('p', { connection, clientId: 'c', language: 'JAVA', version: 0, lastSeen: 0 });
    }
    const picks = new Set(Array.from({ length: 3 }, () => producers.pick('p')));
    expect(picks.size).toBe(3);
    connections[0]!.writable = false;
    connections[1]!.closed = true;
    expect(new Set(Array.from({ length: 6 }, () => producers.pick('p')))).toEqual(new Set([connections[2]]));
    connections[2]!.closed = true;
    expect(producers.pick('p')).toBe(connections[0]);
    connections[0]!.closed = true;
    expect(producers.pick('p')).toBeUndefined();
  });
});
