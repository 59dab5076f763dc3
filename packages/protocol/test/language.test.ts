import { describe, expect, it } from '@jest/globals';
import { LanguageCode, languageCode, languageName } from '../src/language.js';

describe('languages', () => {
  it.each(Object.entries(LanguageCode))('%s is written as %i and read back', (name, code) => {
    expect(languageCode(name)).toBe(code);
    expect(languageName(code)).toBe(name);
  });

  it('that no table knows are OTHER', () => {
    expect(languageName(200)).toBe('OTHER');
    expect(languageCode('COBOL')).toBe(LanguageCode.OTHER);
    expect(languageCode('toString')).toBe(LanguageCode.OTHER);
  });
});
