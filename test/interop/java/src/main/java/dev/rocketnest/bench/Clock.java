package dev.rocketnest.bench;

import java.time.Instant;

/** The wall clock, finer than milliseconds. */
final class Clock {

    private Clock() {
    }

    static long epochNanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }
}
