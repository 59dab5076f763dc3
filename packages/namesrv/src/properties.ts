/**
 * Reads the Java properties format (`java.util.Properties.load`): `key=value`, `key: value` or `key value` per line, comments
 * with `#` or `!`, a backslash at the end continues the line, `\t \n \r \f \uXXXX` are escapes. The last value of a key wins.
 */
export function parseProperties(text: string): Map<string, string> {
  const lines = text
    // A line ends in an odd number of backslashes: the next one belongs to it.
    .replace(/(?<!\\)((?:\\\\)*)\\(?:\r\n|\n|\r)[ \t\f]*/g, '$1')
    .split(/\r\n|\n|\r/)
    .map((line) => line.replace(/^[ \t\f]+/, ''))
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('!'));
  return new Map(
    lines.map((line) => {
      const [, key = line, value = ''] = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s.exec(line) ?? [];
      return [unescapeText(key), unescapeText(value)];
    }),
  );
}

/** One `key=value` line each, as Apache answers GET_NAMESRV_CONFIG (Java: `MixAll.properties2String`). */
export function formatProperties(entries: Iterable<readonly [string, unknown]>): string {
  return Array.from(entries, ([key, value]) => `${key}=${value}\n`).join('');
}

const namedEscapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescapeText(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (namedEscapes[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
