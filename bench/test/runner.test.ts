import { describe, expect, it } from '@jest/globals';
import type { ScenarioResult } from '../harness/results.js';
import { plan, prepare, type RunnerEvents, type RunnerOptions, runScenario } from '../harness/runner.js';
import { Scripted } from './scripted.js';

const OPTIONS: RunnerOptions = { rounds: 2, warmupSeconds: 1, seconds: 2, quick: false };

class Heard implements RunnerEvents {
  readonly words: string[] = [];
  readonly failures: string[] = [];
  last: ScenarioResult | undefined;

  run(_scenario: unknown, peer: { name: string }, round: number): void {
    this.words.push(`${peer.name} ${round}`);
  }
  step(): void {}
  kept(): void {
    this.words.push('kept');
  }
  done(_run: unknown, soFar: ScenarioResult): void {
    this.last = soFar;
  }
  failed({ message }: Error): void {
    this.failures.push(message);
  }
}

const entryOf = ({ scenario }: Scripted) => plan([scenario], undefined).entries[0]!;

describe('running a scenario', () => {
  it('lets the peers take turns, and keeps every run', async () => {
    const scripted = new Scripted((_peer, asked) => ({ rate: asked, p99: 1 }));
    const heard = new Heard();
    const result = await runScenario(entryOf(scripted), OPTIONS, heard);
    expect(heard.words).toEqual(['theirs 1', 'ours 1', 'theirs 2', 'ours 2']);
    expect(result.runs.map(({ figures }) => figures['rate'])).toEqual([1, 2, 3, 4]);
    expect(heard.last).toEqual(result);
    expect(scripted.runs[0]).toMatchObject({ quick: false, warmupSeconds: 1, seconds: 2 });
  });

  it('goes on after a run that failed, and says which it was', async () => {
    const scripted = new Scripted((peer, asked) => {
      if (peer === 'theirs') throw new Error(`attempt ${asked} failed`);
      return { rate: asked, p99: 1 };
    });
    const heard = new Heard();
    const result = await runScenario(entryOf(scripted), OPTIONS, heard);
    expect(heard.failures).toEqual([
      'made-up, theirs, round 1: attempt 1 failed',
      'made-up, theirs, round 2: attempt 3 failed',
    ]);
    expect(result.runs).toEqual([
      { peer: 'ours', round: 1, figures: { rate: 2, p99: 1 } },
      { peer: 'ours', round: 2, figures: { rate: 4, p99: 1 } },
    ]);
    expect(heard.last).toEqual(result);
  });

  it('names what went wrong, not what cleaning up after it did', async () => {
    const scripted = new Scripted(() => {
      throw Object.assign(new Error('An error was suppressed during disposal.'), {
        suppressed: new Error('a message was lost'),
      });
    });
    const heard = new Heard();
    await runScenario(entryOf(scripted), { ...OPTIONS, rounds: 1 }, heard);
    expect(heard.failures[0]).toBe('made-up, theirs, round 1: a message was lost');
  });

  it('goes on where an interrupted one ended', async () => {
    let left = 3;
    const scripted = new Scripted(() => {
      if (left-- === 0) throw new Error('the power failed');
      return { rate: 1, p99: 1 };
    });
    const first = new Heard();
    await runScenario(entryOf(scripted), OPTIONS, first);
    expect(first.failures).toEqual(['made-up, ours, round 2: the power failed']);
    left = 100;
    const second = new Heard();
    const result = await runScenario(entryOf(scripted), OPTIONS, second, first.last);
    expect(second.words).toEqual(['kept', 'kept', 'kept', 'ours 2']);
    expect(result.runs).toHaveLength(4);
  });

  it('does not mix runs of different lengths', async () => {
    const scripted = new Scripted(() => ({ rate: 1, p99: 1 }));
    const earlier = await runScenario(entryOf(scripted), OPTIONS, new Heard());
    const result = await runScenario(entryOf(scripted), { ...OPTIONS, seconds: 3 }, new Heard(), earlier);
    expect(result.runs).toHaveLength(4);
    expect(scripted.asked).toHaveLength(8);
  });

  it.each([
    [{ rate: Number.NaN, p99: 1 }, 'figure rate is NaN'],
    [{ rate: 1 }, 'figure p99 is undefined'],
    [{ rate: 1, p99: 1, other: 1 }, 'gives other'],
  ])('refuses figures that are not those of the table: %j', async (figures, words) => {
    const scripted = new Scripted(() => figures as never);
    const heard = new Heard();
    const { runs } = await runScenario(entryOf(scripted), OPTIONS, heard);
    expect(runs).toEqual([]);
    expect(heard.failures[0]).toContain(words);
  });
});

describe('planning', () => {
  it('leaves out who is missing, and says what is', () => {
    const { scenario } = new Scripted(() => ({}), { theirs: 'install it' });
    const { entries, missing } = plan([scenario], undefined);
    expect(entries[0]!.peers.map(({ name }) => name)).toEqual(['ours']);
    expect([...missing]).toEqual([['Theirs 1.0', 'install it']]);
  });

  it('fails when someone who was named is missing', () => {
    const { scenario } = new Scripted(() => ({}), { theirs: 'install it' });
    expect(() => plan([scenario], ['theirs'])).toThrow('Theirs 1.0: install it');
  });

  it('prepares what several peers need once', async () => {
    let prepared = 0;
    const step = () => {
      prepared++;
    };
    const { scenario } = new Scripted(() => ({}));
    const peers = scenario.peers.map((peer) => ({ ...peer, prepare: step }));
    await prepare(plan([{ ...scenario, peers }], undefined));
    expect(prepared).toBe(1);
  });
});
