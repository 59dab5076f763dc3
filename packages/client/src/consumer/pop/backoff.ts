const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Durations of delay levels 1 to 18, by a broker's default. A broker that delays by its own clock knows them; a popped message is
 * delayed by whoever popped it. From level 3 on they are Java's: DefaultMQPushConsumerImpl.popDelayLevel.
 */
// biome-ignore format: levels as in messageDelayLevel
const LEVELS_MS: readonly number[] = [
  1 * SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND,
  1 * MINUTE, 2 * MINUTE, 3 * MINUTE, 4 * MINUTE, 5 * MINUTE, 6 * MINUTE, 7 * MINUTE, 8 * MINUTE, 9 * MINUTE, 10 * MINUTE,
  20 * MINUTE, 30 * MINUTE, 1 * HOUR, 2 * HOUR,
];
/** Level of the first retry. */
const FIRST_LEVEL = 3;

/**
 * How long a message that failed stays invisible.
 * @param delayLevel 1..18; 0: by the number of deliveries before, 10 s, 30 s, 1 min … 2 h
 */
export function retryDelayMs(delayLevel: number, reconsumeTimes: number): number {
  const level = delayLevel > 0 ? delayLevel : FIRST_LEVEL + reconsumeTimes;
  return LEVELS_MS[Math.min(level, LEVELS_MS.length) - 1]!;
}
