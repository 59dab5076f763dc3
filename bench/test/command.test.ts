import { describe, expect, it } from '@jest/globals';
import { parseCommand, RESULTS } from '../harness/command.js';
import type { Scenario } from '../harness/scenario.js';
import { Scripted } from './scripted.js';

const { scenario } = new Scripted(() => ({}));
const named = (name: string, more: Partial<Scenario> = {}): Scenario => ({ ...scenario, name, ...more });
const SCENARIOS = [named('send-1'), named('send'), named('send-64'), named('drain'), named('huge', { long: true })];
const parse = (...words: string[]) => parseCommand(words, SCENARIOS);
const chosen = (...words: string[]) => parse(...words).chosen.map(({ name }) => name);

describe('the command line of the benchmarks', () => {
  it('runs all but the long ones', () => {
    expect(chosen()).toEqual(['send-1', 'send', 'send-64', 'drain']);
  });

  it('takes names, and how names begin', () => {
    expect(chosen('send')).toEqual(['send']);
    expect(chosen('sen')).toEqual(['send-1', 'send', 'send-64']);
    expect(chosen('huge', 'drain')).toEqual(['drain', 'huge']);
  });

  it.each([
    [['sned'], /no scenario sned.*send-64/s],
    [['--peers', 'nobody'], /no peer nobody.*theirs, ours/],
    [['--rounds', '0'], /--rounds must be/],
    [['--rounds', '1.5'], /whole number/],
    [['--seconds', 'ten'], /--seconds must be a number/],
    [['--quick', '--resume'], /--out/],
    [['--fast'], /--fast/],
  ])('refuses %j with words that help', (words, message) => {
    expect(() => parse(...words)).toThrow(message);
  });

  it('keeps the figures of measurements, not those of smoke runs', () => {
    expect(parse().out).toBe(RESULTS);
    expect(parse('--quick').out).toBeUndefined();
    expect(parse('--quick', '--out', 'x.json')).toMatchObject({ out: 'x.json', docs: false });
  });

  it('writes the page after a measurement, or alone', () => {
    expect(parse('drain')).toMatchObject({ docs: true, docsOnly: false });
    expect(parse('--docs')).toMatchObject({ docs: true, docsOnly: true, out: RESULTS });
  });

  it('has short rounds for smoke runs', () => {
    expect(parse('--quick')).toMatchObject({ rounds: 1, warmupSeconds: 1, seconds: 2, quick: true });
    expect(parse()).toMatchObject({ rounds: 3, warmupSeconds: 5, seconds: 10, quick: false });
  });

  it('lists the scenarios', () => {
    expect(parse('--list').print).toMatch(/^huge +Made up \(theirs, ours\) – long/m);
  });
});
