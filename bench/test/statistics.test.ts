import { describe, expect, it } from '@jest/globals';
import type { Figure } from '../harness/scenario.js';
import { goalMet, goalText, ratioOf, summarise, worstRatio } from '../harness/statistics.js';

const figure = (more: Partial<Figure>): Figure => ({ label: 'f', unit: 'ms', better: 'higher', digits: 0, ...more });

describe('statistics of rounds', () => {
  it.each([
    [[3], { median: 3, low: 3, high: 3 }],
    [[9, 1, 5], { median: 5, low: 1, high: 9 }],
    [[4, 1, 2, 10], { median: 3, low: 1, high: 10 }],
  ])('gives median and spread of %j', (values, summary) => {
    expect(summarise(values)).toEqual(summary);
  });

  it('refuses to summarise nothing', () => {
    expect(() => summarise([])).toThrow(RangeError);
  });

  it('divides the medians, and gives the spread of each round with its neighbour', () => {
    // The machine was twice as slow in round 2: the ratio of the round is not.
    expect(ratioOf([300, 150, 320], [100, 50, 100])).toEqual({ median: 3, low: 3, high: 3.2 });
  });

  it('takes the ratio to the best of several references, whichever way is better', () => {
    expect(worstRatio('higher', [100], [[50], [80], []])?.median).toBe(1.25);
    expect(worstRatio('lower', [100], [[50], [80], []])?.median).toBe(2);
    expect(worstRatio('lower', [100], [[]])).toBeUndefined();
    expect(worstRatio('lower', [], [[1]])).toBeUndefined();
  });
});

describe('goals', () => {
  it.each([
    [{ better: 'higher', goal: { ratio: 3 } }, [300], [[100]], true],
    [{ better: 'higher', goal: { ratio: 3 } }, [299], [[100]], false],
    [{ better: 'lower', goal: { ratio: 0.5 } }, [50], [[100]], true],
    [{ better: 'lower', goal: { ratio: 0.5 } }, [51], [[100]], false],
    [{ better: 'higher', goal: { ratio: 1 } }, [100], [[90], [110]], false],
    [{ better: 'lower', goal: { value: 20 } }, [20], [], true],
    [{ better: 'lower', goal: { value: 0 } }, [1], [[0]], false],
    [{ better: 'higher', goal: { ratio: 3 } }, [300], [[]], undefined],
    [{ better: 'lower', goal: { value: 20 } }, [], [[1]], undefined],
    [{}, [1], [[1]], undefined],
  ] as const)('%j with ours %j and theirs %j: %p', (more, ours, theirs, met) => {
    expect(goalMet(figure(more), ours, theirs)).toBe(met);
  });

  it('are written as people write them', () => {
    expect(goalText(figure({ goal: { ratio: 1 / 3 }, better: 'lower' }))).toBe('≤ 0.33×');
    expect(goalText(figure({ goal: { ratio: 3 } }))).toBe('≥ 3×');
    expect(goalText(figure({ goal: { value: 20 }, better: 'lower' }))).toBe('≤ 20 ms');
    expect(goalText(figure({ goal: { value: 0.9 }, unit: '', digits: 2 }))).toBe('≥ 0.90');
    expect(goalText(figure({}))).toBe('');
  });
});
