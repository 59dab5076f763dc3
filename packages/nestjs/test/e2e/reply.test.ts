import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, UnprocessableEntityException } from '@nestjs/common';
import { unique, waitFor } from '@rocketnest/testing';
import {
  ConsumeResult,
  RemoteReplyError,
  type RocketMQContext,
  RocketMQReplyListener,
  RocketMQTemplate,
} from '../../src/index.js';
import { at, startApp, type TestApp } from './app.js';
import { startCluster, startOwnCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

const deliveries: string[] = [];
const topic = unique('requests');
const consumerGroup = unique('repliers');

@Injectable()
@RocketMQReplyListener({ topic, consumerGroup, selectorExpression: 'sum', replyTimeout: 5000 })
class Sums implements RocketMQReplyListener<number[], { sum: number }> {
  async onMessage(numbers: number[]) {
    return { sum: numbers.reduce((a, b) => a + b, 0) };
  }
}

@Injectable()
class Others {
  @RocketMQReplyListener({ topic, consumerGroup, selectorExpression: 'other' })
  async on(what: string, context: RocketMQContext): Promise<unknown> {
    deliveries.push(`${what} ${context.getReconsumeTimes()}`);
    const first = context.getReconsumeTimes() === 0;
    switch (what) {
      case 'text':
        return '世界';
      case 'nothing':
        return undefined;
      case 'throws':
        throw Object.assign(new Error('no such article'), { code: 'E7' });
      case 'invalid':
        throw new UnprocessableEntityException(['id must be a number', 'name is missing']);
      case 'later':
        return first ? ConsumeResult.retryIn(1) : 'at last';
      case 'dead':
        return ConsumeResult.deadLetter('cannot be');
      case 'unreadable':
        return { toJSON: () => undefined };
      default:
        if (first) throw new Error('not a request');
        return undefined;
    }
  }
}

describe('RocketMQReplyListener', () => {
  let app: TestApp;
  let template: RocketMQTemplate;
  beforeAll(async () => {
    app = await startApp(at(cluster), { providers: [Sums, Others] });
    template = app.get(RocketMQTemplate);
  });
  afterAll(() => app.close());

  const ask = (what: string) => template.request(`${topic}:other`, what, { timeoutMs: 15_000 });

  it('sends what onMessage returns', async () => {
    expect(await template.request(`${topic}:sum`, [1, 2, 3], { timeoutMs: 15_000 })).toEqual({ sum: 6 });
    expect(await ask('text')).toBe('世界');
    expect(await ask('nothing')).toBeNull();
    expect(app.log.find('log', /Mapped .*:sum → Sums\.onMessage \(.*, replies\)/)).toHaveLength(1);
  });

  it('sends what is thrown, once: the request does not come again', async () => {
    const error = await ask('throws').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteReplyError);
    expect(error).toMatchObject({ remoteName: 'Error', remoteMessage: 'no such article', remoteCode: 'E7' });
    expect(
      app.log.find('error', /failed in Others\.on: Error: no such article\. Its requester gets the error/),
    ).toHaveLength(1);
    expect(deliveries.filter((line) => line.startsWith('throws'))).toEqual(['throws 0']);
  });

  it('tells the requester what a pipe found wrong', async () => {
    await expect(ask('invalid')).rejects.toMatchObject({
      remoteName: 'UnprocessableEntityException',
      remoteMessage: 'id must be a number, name is missing',
      remoteCode: '422',
    });
  });

  it('tells the requester that there is no reply when it cannot be written', async () => {
    await expect(ask('unreadable')).rejects.toMatchObject({ remoteMessage: expect.stringMatching(/no JSON form/) });
  });

  it('answers after another delivery when retryIn asked for it', async () => {
    expect(await ask('later')).toBe('at last');
    expect(deliveries.filter((line) => line.startsWith('later'))).toEqual(['later 0', 'later 1']);
  });

  it('answers what is given up with the reason', async () => {
    await expect(ask('dead')).rejects.toMatchObject({ remoteMessage: 'cannot be' });
    expect(app.log.find('warn', /cannot be\. Moved to %DLQ%/)).toHaveLength(1);
  });

  it('handles messages that are no requests like any listener', async () => {
    await template.send(`${topic}:other`, 'event');
    await waitFor(() => deliveries.includes('event 1'), { what: 'the second delivery' });
  });
});

describe('start-up', () => {
  it.each([
    [{ batch: true }, /Listener\.on @RocketMQReplyListener has no option "batch"/],
    [{ replyTimeout: 0 }, /Listener\.on @RocketMQReplyListener\.replyTimeout must be an integer >= 1, got 0/],
  ])('fails with %p', async (more, message) => {
    @Injectable()
    class Listener {
      @RocketMQReplyListener({ topic: 't', consumerGroup: 'g', ...more })
      on(): void {}
    }
    await expect(startApp(at(cluster), { providers: [Listener] })).rejects.toThrow(message);
  });
});

it('a group with connections of its own replies through them, to the cluster that asked', async () => {
  await using other = await startOwnCluster();
  const [there, group] = [unique('requests'), unique('repliers')];

  @Injectable()
  class Listener {
    @RocketMQReplyListener({ topic: there, consumerGroup: group, nameServer: () => other.namesrvAddr })
    on(text: string): string {
      return text.toUpperCase();
    }
  }

  await using _replier = await startApp(at(cluster), { providers: [Listener] });
  await using requester = await startApp(at(other), {});
  expect(await requester.get(RocketMQTemplate).request(there, 'a', { timeoutMs: 20_000 })).toBe('A');
});
