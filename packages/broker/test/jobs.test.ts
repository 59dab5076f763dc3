import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rocketnest/remoting';
import { Jobs } from '../src/jobs.js';

describe('jobs', () => {
  it('run again and again, also after a failure', async () => {
    const errors: string[] = [];
    const jobs = new Jobs({ ...silentLogger, error: (message) => errors.push(message) });
    let runs = 0;
    await new Promise<void>((resolve) => {
      jobs.every(1, 'fragile', () => {
        runs += 1;
        if (runs === 3) resolve();
        throw new Error('no');
      });
    });
    await jobs.close();
    expect(errors[0]).toMatch(/fragile/);
    expect(errors.length).toBe(runs);
  });

  it('with an interval that changed start anew, the others go on', async () => {
    const jobs = new Jobs(silentLogger);
    let intervalMs = 1_000_000;
    let others = 0;
    jobs.every(1_000_000, 'other', () => {
      others += 1;
    });
    await new Promise<void>((resolve) => {
      jobs.every(() => intervalMs, 'changing', resolve);
      intervalMs = 1;
      jobs.rearm();
    });
    await jobs.close();
    expect(others).toBe(0);
  });

  it('do not overlap themselves, and closing waits for the one that runs', async () => {
    const jobs = new Jobs(silentLogger);
    let running = 0;
    let worst = 0;
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await new Promise<void>((started) => {
      jobs.every(1, 'slow', async () => {
        running += 1;
        worst = Math.max(worst, running);
        started();
        await gate;
        running -= 1;
      });
    });
    const closing = jobs.close();
    release();
    await closing;
    expect(running).toBe(0);
    expect(worst).toBe(1);
  });
});
