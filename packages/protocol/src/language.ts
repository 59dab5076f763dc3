/**
 * Which client library sent a command: JSON headers carry the name, ROCKETMQ headers the number.
 * Source of truth: `LanguageCode` (rocketmq-remoting).
 */
export const LanguageCode = {
  JAVA: 0,
  CPP: 1,
  DOTNET: 2,
  PYTHON: 3,
  DELPHI: 4,
  ERLANG: 5,
  RUBY: 6,
  OTHER: 7,
  HTTP: 8,
  GO: 9,
  PHP: 10,
  OMS: 11,
  RUST: 12,
  NODE_JS: 13,
} as const;

export type LanguageName = keyof typeof LanguageCode;

const names = Object.keys(LanguageCode) as LanguageName[];

/** A number that no table knows reads as `OTHER`: the language is information, never a reason to refuse a command. */
export function languageName(code: number): LanguageName {
  return names[code] ?? 'OTHER';
}

/** A name that no table knows is written as `OTHER`. */
export function languageCode(name: string): number {
  return Object.hasOwn(LanguageCode, name) ? LanguageCode[name as LanguageName] : LanguageCode.OTHER;
}
