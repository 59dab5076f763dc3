import { describe, expect, it } from '@jest/globals';
import type { LogicQueueItem } from '@rocketnest/protocol';
import {
  infoOf,
  knownEnd,
  logicOffset,
  partAfter,
  partAt,
  physicalOffset,
  problemOfChange,
  problemOfParts,
  writtenOffset,
} from '../../src/static-topic/mapping.js';
import { mapping, part } from './support.js';

const old = part({ gen: 0, bname: 'broker-a', queueId: 3, logicOffset: 0 });
const leader = part({ gen: 1, bname: 'broker-b', queueId: 1, logicOffset: 10_000 });
const unplaced = part({ gen: 2, bname: 'broker-a', queueId: 4, logicOffset: -1 });

describe('Offsets of a part', () => {
  it('are translated both ways', () => {
    expect(logicOffset(leader, 7)).toBe(10_007);
    expect(physicalOffset(leader, 10_007)).toBe(7);
    expect(physicalOffset(leader, 9_999)).toBe(-1);
  });

  it('begin with its start and end with its end', () => {
    const bounded = part({ logicOffset: 100, startOffset: 10, endOffset: 30 });
    expect(logicOffset(bounded, 5)).toBe(100);
    expect(logicOffset(bounded, 15)).toBe(105);
    expect(writtenOffset(bounded, 99)).toBe(120);
    expect(knownEnd([bounded])).toBe(120);
    expect(knownEnd([leader])).toBe(10_000);
    expect(knownEnd([])).toBe(-1);
  });

  it('are unknown while a remapping has not decided them', () => {
    expect(writtenOffset(unplaced, 7)).toBe(-1);
  });
});

describe('The part of an offset', () => {
  it.each([
    [0, old],
    [9_999, old],
    [10_000, leader],
    [Number.MAX_SAFE_INTEGER, leader],
    [-5, old],
  ])('%d is found', (offset, expected) => {
    expect(partAt([old, leader, unplaced], offset)).toBe(expected);
  });

  it('is followed by the next one, once that has a place', () => {
    expect(partAfter([old, leader, unplaced], old)).toBe(leader);
    expect(partAfter([old, leader, unplaced], leader)).toBeUndefined();
    expect(partAfter([old, leader], leader)).toBeUndefined();
  });
});

describe('problemOfParts', () => {
  it.each<[string, LogicQueueItem[]]>([
    ['no parts', []],
    ['one part', [old]],
    ['a remapping under way', [old, leader, unplaced]],
  ])('takes %s', (_, items) => {
    expect(problemOfParts(items)).toBeNull();
  });

  it.each<[string, LogicQueueItem[], RegExp]>([
    ['negative queues', [part({ queueId: -1 })], /must not be negative/],
    ['an end before the start', [part({ startOffset: 5, endOffset: 4 })], /endOffset is smaller/],
    ['an undecided part in the middle', [old, unplaced, part({ gen: 3, logicOffset: 5 })], /only the last part/],
    ['generations out of order', [leader, part({ gen: 1, logicOffset: 20_000 })], /gen of the parts/],
    ['offsets out of order', [leader, part({ gen: 2, logicOffset: 10_000 })], /logicOffset of the parts/],
    ['overlaps', [part({ endOffset: 20_000 }), leader], /logicOffset of the parts/],
  ])('refuses %s', (_, items, problem) => {
    expect(problemOfParts(items)).toMatch(problem);
  });
});

describe('problemOfChange', () => {
  it.each<[string, LogicQueueItem[], LogicQueueItem[], boolean]>([
    ['a new leader in a new epoch', [old], [old, leader], false],
    ['a first part cleaned away', [old, leader], [leader], true],
    ['the place of the leader, decided late', [old, unplaced], [old, { ...unplaced, logicOffset: 7 }], true],
    ['anything when there was nothing', [], [old], true],
  ])('takes %s', (_, before, after, sameEpoch) => {
    expect(problemOfChange(before, after, sameEpoch)).toBeNull();
  });

  it.each<[string, LogicQueueItem[], LogicQueueItem[], boolean, RegExp]>([
    ['the loss of everything', [old], [], false, /lose all/],
    ['a part in another queue', [old, leader], [{ ...old, queueId: 9 }, leader], false, /part 0 would change/],
    ['a part at another place', [old, leader], [old, { ...leader, logicOffset: 5_000 }], false, /part 1 would change/],
    ['a new leader in the same epoch', [old], [old, leader], true, /without a new epoch/],
  ])('refuses %s', (_, before, after, sameEpoch, problem) => {
    expect(problemOfChange(before, after, sameEpoch)).toMatch(problem);
  });
});

describe('infoOf', () => {
  it('names the logic queues that are written in the broker, and where', () => {
    const known = mapping('T', 'broker-b', { 0: [old, leader], 1: [old], 2: [] });
    const { hostedQueues: _, ...rest } = known;
    expect(infoOf(known)).toEqual({ ...rest, currIdMap: { 0: 1 } });
  });
});
