/**
 * Reads the Java properties format (`java.util.Properties.load`): `key=value`, `key: value` or `key value` per line,
 * comments with `#` or `!`, a backslash at the end continues the line, and `\t \n \r \f \uXXXX` escapes.
 * A key given twice keeps its last value, as in Java.
 */
export function parseProperties(source: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const line of logicalLines(source)) {
    const { key, value } = splitLine(line);
    entries.set(unescaped(key), unescaped(value));
  }
  return entries;
}

/** One `key=value` line each, as Apache answers GET_NAMESRV_CONFIG and GET_BROKER_CONFIG (Java: `MixAll.properties2String`). */
export function formatProperties(entries: Iterable<readonly [string, unknown]>): string {
  return Array.from(entries, ([key, value]) => `${key}=${value}\n`).join('');
}

function* logicalLines(source: string): Iterable<string> {
  let pending: string | null = null;
  for (const raw of source.split(/\r\n|\n|\r/)) {
    const line: string = raw.replace(/^[ \t\f]+/, '');
    if (pending === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue;
    const whole: string = (pending ?? '') + line;
    // An odd number of backslashes at the end: the last one continues the line.
    const continues: boolean = /(^|[^\\])(\\\\)*\\$/.test(whole);
    pending = continues ? whole.slice(0, -1) : null;
    if (!continues) yield whole;
  }
  if (pending !== null) yield pending;
}

function splitLine(line: string): { key: string; value: string } {
  const match = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s.exec(line);
  return { key: match?.[1] ?? line, value: match?.[2] ?? '' };
}

const namedEscapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
  return text.replace(/\\(u([0-9a-fA-F]{4})|[\s\S])/g, (_all, escaped: string, hex: string | undefined) =>
    hex === undefined ? (namedEscapes[escaped] ?? escaped) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
