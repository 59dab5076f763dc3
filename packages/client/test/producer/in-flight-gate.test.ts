import { describe, expect, it } from '@jest/globals';
import { InFlightGate } from '../../src/producer/in-flight-gate.js';

const never = () => new Error('waited too long');

/** Enters and notes when it got in. */
function enter(gate: InFlightGate, entered: string[], name: string, bytes = 1, timeoutMs = 10_000): void {
  gate.enter(bytes, timeoutMs, never, (error) => entered.push(error === null ? name : `${name}: ${error.message}`));
}

describe('InFlightGate', () => {
  it('lets in up to its count, then one for each that leaves, in order', () => {
    const gate = new InFlightGate(2, 100);
    const entered: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) enter(gate, entered, name);
    expect(entered).toEqual(['a', 'b']);
    expect(gate.inLine).toBe(2);
    gate.leave(1);
    expect(entered).toEqual(['a', 'b', 'c']);
    gate.leave(1);
    gate.leave(1);
    expect(entered).toEqual(['a', 'b', 'c', 'd']);
    gate.leave(1);
    expect(gate.inFlight).toBe(0);
    expect(gate.inFlightBytes).toBe(0);
  });

  it('bounds bytes, and lets a larger item pass alone', () => {
    const gate = new InFlightGate(10, 100);
    const entered: string[] = [];
    enter(gate, entered, 'small', 60);
    enter(gate, entered, 'huge', 500);
    enter(gate, entered, 'tiny', 1);
    expect(entered).toEqual(['small']);
    gate.leave(60);
    expect(entered).toEqual(['small', 'huge']);
    gate.leave(500);
    expect(entered).toEqual(['small', 'huge', 'tiny']);
  });

  it('does not let a newcomer overtake those in line', () => {
    const gate = new InFlightGate(10, 100);
    const entered: string[] = [];
    enter(gate, entered, 'first', 90);
    enter(gate, entered, 'waits', 50);
    expect(gate.tryEnter(1)).toBe(false);
    gate.rejectWaiting(new Error('over'));
    expect(entered).toEqual(['first', 'waits: over']);
  });

  it('turns away who waits too long', async () => {
    const gate = new InFlightGate(1, 100);
    expect(gate.tryEnter(1)).toBe(true);
    const outcome = await new Promise((resolve) => gate.enter(1, 5, never, resolve));
    expect(outcome).toEqual(new Error('waited too long'));
    expect(gate.inLine).toBe(0);
    expect(gate.inFlight).toBe(1);
  });

  it('survives a long line of which everybody leaves again at once', () => {
    const gate = new InFlightGate(1, 100);
    gate.tryEnter(1);
    let served = 0;
    for (let i = 0; i < 50_000; i++) {
      gate.enter(1, 60_000, never, () => {
        served++;
        gate.leave(1);
      });
    }
    gate.leave(1);
    expect(served).toBe(50_000);
  });

  it('tells when it is idle, or that it was not in time', async () => {
    const gate = new InFlightGate(2, 100);
    expect(await gate.whenIdle(0)).toBe(true);
    gate.tryEnter(1);
    expect(await gate.whenIdle(5)).toBe(false);
    const idle = gate.whenIdle(10_000);
    gate.leave(1);
    expect(await idle).toBe(true);
  });

  it('halves its limit when a broker is overloaded, once per burst, and recovers with answers', () => {
    const gate = new InFlightGate(100, 1_000_000);
    for (let i = 0; i < 100; i++) gate.tryEnter(1);
    gate.overloaded(1_000);
    gate.overloaded(1_100);
    expect(gate.currentLimit).toBe(50);
    gate.overloaded(1_200);
    expect(gate.currentLimit).toBe(25);
    expect(gate.tryEnter(1)).toBe(false);
    for (let i = 0; i < 26; i++) gate.answered();
    expect(gate.currentLimit).toBe(26);
    for (let i = 0; i < 100_000; i++) gate.answered();
    expect(gate.currentLimit).toBe(100);
  });

  it('keeps a small limit however busy brokers are', () => {
    const gate = new InFlightGate(100, 1_000);
    for (let i = 1; i < 50; i++) gate.overloaded(i * 1_000);
    expect(gate.currentLimit).toBe(16);
  });
});
