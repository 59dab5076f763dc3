import { describe, expect, it } from '@jest/globals';
import { ConnectionError } from '@rocketnest/protocol';
import { silentLogger } from '@rocketnest/remoting';
import type { BrokerLink } from '../../src/consumer/broker-link.js';
import { RemoteOffsetStore } from '../../src/consumer/offset-store-remote.js';
import { queueKey } from '../../src/message-queue.js';

const queue = { topic: 'T', brokerName: 'b-a', queueId: 0 };
const key = queueKey(queue);

/** A broker that can be away, and forgets when it was killed. */
function broker() {
  const state = { alive: true, committed: null as number | null };
  const link: Pick<BrokerLink, 'committedOffset' | 'commitOffset'> = {
    committedOffset: async () => state.committed,
    commitOffset: async (_queue, offset) => {
      if (!state.alive) throw new ConnectionError('no route');
      state.committed = offset;
    },
  };
  return { state, store: new RemoteOffsetStore(link as BrokerLink, silentLogger) };
}

/** As a queue is given up. */
async function giveUp(store: RemoteOffsetStore): Promise<void> {
  const persisted = store.persist([key], true);
  store.forget(key);
  await persisted;
}

describe('RemoteOffsetStore', () => {
  it('reads what was committed, and commits what it was told', async () => {
    const { state, store } = broker();
    expect(await store.read(queue)).toBeNull();
    store.update(key, queue, 7, true);
    await store.persist([key], true);
    expect(state.committed).toBe(7);
    await giveUp(store);
    state.committed = 9; // another member
    expect(await store.read(queue)).toBe(9);
    expect(store.peek(key)).toBe(9);
  });

  it('goes on after a killed broker where it was, not where the broker remembers', async () => {
    const { state, store } = broker();
    store.update(key, queue, 40, true);
    state.committed = 25;
    state.alive = false;
    await giveUp(store);
    state.alive = true;
    expect(await store.read(queue)).toBe(40);
    await store.persist([key], true);
    expect(state.committed).toBe(40);
  });

  it('goes on where another member was, when that is further', async () => {
    const { state, store } = broker();
    store.update(key, queue, 40, true);
    state.alive = false;
    await giveUp(store);
    state.committed = 60;
    expect(await store.read(queue)).toBe(60);
  });

  it('forgets what it could not save once the queue was set to another offset', async () => {
    const { state, store } = broker();
    store.update(key, queue, 40, true);
    state.alive = false;
    await giveUp(store);
    store.update(key, queue, 10, false);
    store.forget(key);
    state.committed = 10;
    expect(await store.read(queue)).toBe(10);
  });
});
