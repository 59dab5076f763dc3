/** What it gives or throws. */
export function outcome(attempt: () => unknown): unknown {
  try {
    return attempt();
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a header may have where a number, a truth or a text belongs. */
export const TEXTS = ['', '0', '7', '-7', '+7', '16', '2147483647', '2147483648', '-2147483648', '9007199254740993']
  .concat(['9223372036854775807', '9223372036854775808', '1e3', ' 4', '0x1', 'NaN', 'true', 'TRUE', 'false', 'text'])
  .concat('1'.repeat(30));
