import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import {
  logicQueues,
  nextBlock,
  planRemapping,
  planStaticTopic,
  type StaticTopicPlan,
  withBystanders,
} from '../../src/admin/static-mapping.js';

const leadersOf = (plan: StaticTopicPlan): string[] => {
  const queues = logicQueues(Object.values(plan.configs).map(({ mappingDetail }) => mappingDetail));
  return [...queues].sort(([a], [b]) => a - b).map(([, { leader }]) => leader);
};
const count = (names: readonly string[]): Record<string, number> => {
  const result: Record<string, number> = {};
  for (const name of names) result[name] = (result[name] ?? 0) + 1;
  return result;
};

describe('planStaticTopic', () => {
  it('spreads queues evenly and grows without moving any', () => {
    const small = planStaticTopic('T', 3, ['a', 'b'], {}, 1_000);
    expect(count(leadersOf(small))).toEqual({ a: 2, b: 1 });
    expect(small.epoch).toBe(1_000);
    const large = planStaticTopic('T', 6, ['a', 'b', 'c'], small.configs, 5_000);
    expect(leadersOf(large).slice(0, 3)).toEqual(leadersOf(small));
    expect(count(leadersOf(large))).toEqual({ a: 2, b: 2, c: 2 });
    expect(Object.values(large.configs).map(({ mappingDetail }) => mappingDetail.totalQueues)).toEqual([6, 6, 6]);
    // The plan is a copy.
    expect(small.configs['a']!.mappingDetail.totalQueues).toBe(3);
  });

  it('has epochs that rise, also where a clock went back', () => {
    const first = planStaticTopic('T', 1, ['a'], {}, 50_000);
    expect(planStaticTopic('T', 2, ['a'], first.configs, 10).epoch).toBe(51_000);
  });

  it('refuses to shrink, and a mapping in disorder', () => {
    const { configs } = planStaticTopic('T', 2, ['a', 'b'], {}, 1);
    expect(() => planStaticTopic('T', 2, ['a'], configs, 2)).toThrow(/has 2 queues and cannot have 2/);
    const torn = structuredClone(configs);
    torn['a']!.mappingDetail.epoch += 1;
    expect(() => planRemapping('T', ['a'], torn, 2)).toThrow(/epoch is 1001 on broker a and 1000 on broker b/);
    const lost = { a: configs['a']! };
    expect(() => planRemapping('T', ['a'], lost, 2)).toThrow(ConfigurationError);
  });
});

describe('planRemapping', () => {
  it.each([
    [4, ['a'], ['b']],
    [5, ['a', 'b'], ['b', 'c']],
    [7, ['a', 'b', 'c'], ['a']],
    [6, ['a', 'b'], ['a', 'b', 'c', 'd']],
  ])('of %i queues from %j to %j moves no more than it must', (queues, from, to) => {
    const before = planStaticTopic('T', queues, from, {}, 1);
    const after = planRemapping('T', to, before.configs, 2);
    const [old, now] = [leadersOf(before), leadersOf(after)];
    const shares = Object.values(count(now));
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    expect(now.every((name) => to.includes(name))).toBe(true);
    const moved = now.filter((name, id) => name !== old[id]).length;
    const most = to.map((_name, i) => Math.floor(queues / to.length) + (i < queues % to.length ? 1 : 0));
    const had = count(old);
    const kept = [...to]
      .sort((x, y) => (had[y] ?? 0) - (had[x] ?? 0))
      .reduce((sum, name, i) => sum + Math.min(had[name] ?? 0, most[i]!), 0);
    expect(moved).toBe(queues - kept);
    expect(after.mapIn.filter((name) => after.mapOut.includes(name))).toEqual([]);
    // The old leader knows the new part, and that it has no place yet.
    for (const broker of after.mapOut) {
      const parts = Object.values(after.configs[broker]!.mappingDetail.hostedQueues).map((items) => items.at(-1)!);
      expect(parts.some(({ bname, logicOffset }) => bname !== broker && logicOffset === -1)).toBe(true);
    }
  });

  it('changes nothing that is in place already', () => {
    const before = planStaticTopic('T', 4, ['a', 'b'], {}, 1);
    const after = planRemapping('T', ['a', 'b'], before.configs, 2);
    expect([after.mapIn, after.mapOut]).toEqual([[], []]);
    expect(() => planRemapping('T', ['a'], {}, 1)).toThrow(/No broker knows static topic T/);
  });
});

it('tells brokers without queues about the topic', () => {
  const plan = withBystanders(planStaticTopic('T', 2, ['a'], {}, 1), ['a', 'b']);
  expect(plan.configs['b']).toMatchObject({ writeQueueNums: 0, mappingDetail: { bname: 'b', totalQueues: 2 } });
  expect(plan.configs['b']!.mappingDetail.epoch).toBe(plan.epoch);
});

it.each([
  [0, 10_000],
  [1, 10_000],
  [4_999, 10_000],
  [5_000, 20_000],
  [10_000, 20_000],
  [15_001, 30_000],
])('the block after %i is %i, as Java rounds', (offset, block) => {
  expect(nextBlock(offset, 10_000)).toBe(block);
});
