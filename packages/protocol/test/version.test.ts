import { describe, expect, it } from '@jest/globals';
import { CURRENT_VERSION, versionName } from '../src/version.js';
import { fixture } from './fixtures.js';

const java = fixture<{ versions: string; currentVersion: number }>('texts');

describe('versions', () => {
  it("have the names of Java's MQVersion", () => {
    const names = java.versions.split(' ');
    expect(names.map((_, ordinal) => versionName(ordinal))).toEqual(names);
  });

  it('name the reference version', () => {
    expect(CURRENT_VERSION).toBe(java.currentVersion);
    expect(versionName(CURRENT_VERSION)).toBe('V5_5_0');
  });

  it('beyond the table read HIGHER_VERSION, negative ones UNKNOWN', () => {
    expect(versionName(100_000)).toBe('HIGHER_VERSION');
    expect(versionName(-1)).toBe('UNKNOWN');
  });
});
