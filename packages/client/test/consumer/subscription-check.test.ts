import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PushConsumer } from '../../src/consumer/push-consumer.js';
import { LogKeeper, Testbed, unique, until } from './testbed.js';

describe('members of a group', () => {
  let bed: Testbed;
  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed.close());

  const warnings = (logger: LogKeeper) =>
    logger.of('warn').filter(({ message }) => message.includes('subscribe to different things'));

  async function pair(change: (second: PushConsumer, topics: string[]) => void) {
    const topics = [await bed.topic(2), await bed.topic(2)];
    const group = unique('group');
    const logger = new LogKeeper();
    const first = bed.consumer({ topic: topics[0]!, expression: 'b || a', group, logger }, () => {});
    const second = bed.consumer({ topic: topics[0]!, expression: 'a||b', group, logger }, () => {});
    change(second, topics);
    await first.start();
    await second.start();
    await until(() => first.assignment.length === 3 || first.assignment.length === 2, 'the queues are shared');
    return { first, second, topics, logger };
  }

  it('that subscribe to different topics are told so, with both subscriptions named', async () => {
    const { first, second, topics, logger } = await pair((member, [one, other]) =>
      member.unsubscribe(one!).subscribe(other!, { sql92: 'amount > 10' }),
    );
    await until(() => warnings(logger).length === 2, 'both members warn', 20_000);
    const text = warnings(logger).map(({ message }) => message);
    for (const line of text) {
      expect(line).toContain(`${topics[0]} (a || b)`);
      expect(line).toContain(`${topics[1]} (SQL92 amount > 10)`);
      expect(line).toContain(first.instance.clientId);
      expect(line).toContain(second.instance.clientId);
      expect(line).toContain('use a group of its own for each');
    }
  });

  it('that agree are not told anything, until one of them changes its filter', async () => {
    const { second, topics, logger } = await pair(() => {});
    // As long as it takes another pair to be told.
    await pair((member, [, other]) => member.subscribe(other!)).then(({ logger: theirs }) =>
      until(() => warnings(theirs).length === 2, 'members that differ warn', 20_000),
    );
    expect(warnings(logger)).toEqual([]);
    second.subscribe(topics[0]!, 'a');
    await until(() => warnings(logger).length === 1, 'the changed member warns', 20_000);
    expect(warnings(logger)[0]!.message).toContain(`to ${topics[0]} (a), `);
  });
});
