import { ConfigurationError } from '@rocketnest/protocol';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Delays in ms of a `messageDelayLevel` text such as `1s 5s 2h`; index 0 is level 1. Java: `DefaultMessageStore.parseDelayLevel`.
 *
 * @throws ConfigurationError when a word is not a number and s, m, h or d.
 */
export function parseDelayLevels(messageDelayLevel: string): readonly number[] {
  return messageDelayLevel.split(' ').map((word, index) => {
    if (/^\d+[smhd]$/.test(word)) return Number(word.slice(0, -1)) * UNIT_MS[word.slice(-1)]!;
    throw new ConfigurationError(
      `messageDelayLevel: level ${index + 1} is ${JSON.stringify(word)}, expected a number and s, m, h or d, as in "1s 5s 10s"`,
      { context: { messageDelayLevel } },
    );
  });
}

/** When delayed messages are due. */
export class DelayLevels {
  private text = '';
  private parsed: readonly number[] = [];

  /**
   * @param messageDelayLevel the text that holds now; it may change
   * @throws ConfigurationError as `parseDelayLevels`.
   */
  constructor(private readonly messageDelayLevel: () => string) {
    this.delaysMs;
  }

  /** Delay in ms of each level, level 1 first. */
  get delaysMs(): readonly number[] {
    const text = this.messageDelayLevel();
    if (text !== this.text) {
      this.parsed = parseDelayLevels(text);
      this.text = text;
    }
    return this.parsed;
  }

  /** Due time in ms since 1970 of a message of this level (1 or more; above the table the last) stored at that time. */
  deliverTimestamp(level: number, storeTimestamp: number): number {
    const { delaysMs } = this;
    return storeTimestamp + delaysMs[Math.min(level, delaysMs.length) - 1]!;
  }
}
