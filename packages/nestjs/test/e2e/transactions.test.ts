import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  type RocketMQContext,
  type RocketMQLocalTransactionListener,
  RocketMQMessageListener,
  RocketMQTemplate,
  RocketMQTransactionChecker,
  RocketMQTransactionListener,
  type TransactionState,
} from '../../src/index.js';
import { at, quick, startApp } from './app.js';
import { startCluster } from './cluster.js';

interface Order {
  readonly id: number;
}

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

const service = (group = unique('service')) => at(cluster, { producer: { ...quick.producer, group } });

/** A listener that collects the ids of the orders that became visible. */
function inboxOf(topic: string) {
  const ids: number[] = [];

  @Injectable()
  class Inbox {
    @RocketMQMessageListener({ topic, consumerGroup: unique('g') })
    on(order: Order): void {
      ids.push(order.id);
    }
  }
  return { Inbox, ids };
}

describe('sendInTransaction', () => {
  it('makes the message visible when the callback succeeds, and not before', async () => {
    const topic = unique('t');
    const { Inbox, ids } = inboxOf(topic);
    await using app = await startApp(service(), { providers: [Inbox] });
    const result = await app
      .get(RocketMQTemplate)
      .sendInTransaction(topic, { id: 1 }, async (message, transactionId) => {
        expect(message.topic).toBe(topic);
        expect(transactionId).toBe(message.transactionId);
        expect(ids).toEqual([]);
      });
    expect(result.state).toBe('COMMIT');
    await waitFor(() => ids.length === 1, { what: 'the message' });
    expect(ids).toEqual([1]);
  });

  it('discards the message when the callback throws, and rejects with what it threw', async () => {
    const topic = unique('t');
    const { Inbox, ids } = inboxOf(topic);
    await using app = await startApp(service(), { providers: [Inbox] });
    const template = app.get(RocketMQTemplate);
    const boom = new Error('out of stock');
    await expect(
      template.sendInTransaction(topic, { id: 1 }, () => {
        throw boom;
      }),
    ).rejects.toBe(boom);
    await expect(template.sendInTransaction(topic, { id: 2 }, () => 'ROLLBACK')).resolves.toMatchObject({
      state: 'ROLLBACK',
    });
    await template.sendInTransaction(topic, { id: 3 }, () => 'COMMIT');
    await waitFor(() => ids.length > 0, { what: 'the committed message' });
    expect(ids).toEqual([3]);
  });

  it('warns when nobody could answer for the transaction, and refuses an unknown listener name', async () => {
    const topic = unique('t');
    await using app = await startApp(service(), {});
    const template = app.get(RocketMQTemplate);
    await template.sendInTransaction(topic, { id: 1 }, () => undefined);
    expect(app.log.find('warn', /no @RocketMQTransactionListener answers for it/)).toHaveLength(1);
    await expect(template.sendInTransaction(topic, { id: 1 }, () => undefined, { listener: 'typo' })).rejects.toThrow(
      /No @RocketMQTransactionListener is named 'typo'. Known: none/,
    );
  });
});

describe('the broker’s question', () => {
  it('reaches the listener by name or topic, several of them in one application', async () => {
    const [orders, refunds] = [unique('orders'), unique('refunds')];
    const asked: string[] = [];
    const { Inbox, ids } = inboxOf(orders);

    @Injectable()
    @RocketMQTransactionListener({ topic: orders })
    class OrderTransactions {
      check(order: Order, context: RocketMQContext): TransactionState {
        asked.push(`order ${order.id} ${context.getTopic() === orders}`);
        return 'COMMIT';
      }
    }

    @Injectable()
    class Refunds {
      @RocketMQTransactionChecker({ name: 'refunds' })
      async wasRefunded(refund: Order): Promise<TransactionState> {
        asked.push(`refund ${refund.id}`);
        return 'ROLLBACK';
      }
    }

    await using app = await startApp(service(), { providers: [Inbox, OrderTransactions, Refunds] });
    const template = app.get(RocketMQTemplate);
    await template.sendInTransaction(orders, { id: 1 }, () => 'UNKNOWN');
    await template.sendInTransaction(refunds, { id: 2 }, () => 'UNKNOWN', { listener: 'refunds' });
    await waitFor(() => ids.length === 1 && asked.length === 2, { what: 'both questions' });
    expect(asked.sort()).toEqual(['order 1 true', 'refund 2']);
    expect(ids).toEqual([1]);
  });

  it('finds the named listener in another process of the group, after the first one died', async () => {
    const [topic, group] = [unique('t'), unique('service')];

    @Injectable()
    class Undecided {
      @RocketMQTransactionChecker({ name: 'orders' })
      check(): TransactionState {
        return 'UNKNOWN';
      }
    }
    {
      await using first = await startApp(service(group), { providers: [Undecided] });
      await first.get(RocketMQTemplate).sendInTransaction(topic, { id: 9 }, () => 'UNKNOWN', { listener: 'orders' });
    }

    const { Inbox, ids } = inboxOf(topic);

    @Injectable()
    class Decided {
      @RocketMQTransactionChecker({ name: 'orders' })
      check(order: Order): TransactionState {
        return order.id === 9 ? 'COMMIT' : 'ROLLBACK';
      }
    }
    await using _second = await startApp(service(group), { providers: [Inbox, Decided] });
    await waitFor(() => ids.length === 1, { what: 'the committed message' });
    expect(ids).toEqual([9]);
  });

  it('is answered UNKNOWN with an error in the log when no listener is there', async () => {
    const topic = unique('t');
    await using app = await startApp(service(), {});
    await app.get(RocketMQTemplate).sendInTransaction(topic, { id: 1 }, () => 'UNKNOWN');
    await waitFor(() => app.log.find('error', /no @RocketMQTransactionListener answers for it/).length > 0, {
      what: 'the error',
    });
  });
});

describe('sendMessageInTransaction, as in rocketmq-spring', () => {
  it('runs executeLocalTransaction of the listener class, and asks its checkLocalTransaction', async () => {
    const topic = unique('t');
    const calls: unknown[] = [];
    const { Inbox, ids } = inboxOf(topic);

    @Injectable()
    @RocketMQTransactionListener()
    class Transactions implements RocketMQLocalTransactionListener<Order, string> {
      executeLocalTransaction(order: Order, arg: string): TransactionState {
        calls.push(['execute', order, arg, this instanceof Transactions]);
        return 'UNKNOWN';
      }

      checkLocalTransaction(order: Order): TransactionState {
        calls.push(['check', order]);
        return 'COMMIT';
      }
    }

    await using app = await startApp(service(), { providers: [Inbox, Transactions] });
    await app.get(RocketMQTemplate).sendMessageInTransaction(topic, { id: 5 }, 'arg');
    await waitFor(() => ids.length === 1, { what: 'the message' });
    expect(calls).toContainEqual(['execute', { id: 5 }, 'arg', true]);
    expect(calls).toContainEqual(['check', { id: 5 }]);
  });

  it('says what is missing when there is no such listener', async () => {
    await using app = await startApp(service(), {});
    await expect(app.get(RocketMQTemplate).sendMessageInTransaction('t', 'x', undefined)).rejects.toThrow(
      /No @RocketMQTransactionListener answers for topic t/,
    );
  });
});
