import { describe, expect, it } from '@jest/globals';
import { isInherited, isReadable, isValidPerm, isWriteable, PermName, permToString } from '../src/perm.js';

describe('perm', () => {
  it.each([
    [0, '---'],
    [PermName.INHERIT, '--X'],
    [PermName.WRITE, '-W-'],
    [PermName.READ, 'R--'],
    [6, 'RW-'],
    [7, 'RWX'],
  ])('%i reads %s', (perm, text) => {
    expect(permToString(perm)).toBe(text);
    expect([isReadable(perm), isWriteable(perm), isInherited(perm)]).toEqual([...text].map((char) => char !== '-'));
  });

  it('is valid from 0 to 7', () => {
    expect([-1, 0, 7, 8, 1.5, Number.NaN].map(isValidPerm)).toEqual([false, true, true, false, false, false]);
  });
});
