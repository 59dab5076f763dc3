package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * One run: warming up, measuring, done. What is {@link #completed} while it measures counts; what was sent and received is
 * tallied all the time. For any number of threads.
 */
final class Measurement {

    private static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(5);

    /** What the servers acknowledged, or were handed if there is no acknowledgement. */
    final Tally sent = new Tally();
    final Tally received = new Tally();

    private final Histogram latencies = new ConcurrentHistogram(LONGEST_NANOS, 3);
    private final LongAdder completed = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final AtomicReference<String> firstFailure = new AtomicReference<>();
    private volatile boolean measuring;
    private volatile boolean done;
    private volatile long beganNanos;
    private volatile long endedNanos;

    /** Sleeps through warm-up and measurement as the options say. */
    void pass(Options options) throws InterruptedException {
        Thread.sleep(options.millisOfSeconds("warmup"));
        begin();
        Thread.sleep(options.millisOfSeconds("seconds"));
        end();
    }

    void begin() {
        beganNanos = System.nanoTime();
        measuring = true;
        Events.print("measuring");
    }

    /** For handlers: the first message begins it. */
    void beginOnce() {
        if (!measuring) {
            synchronized (this) {
                if (!measuring && !done) {
                    begin();
                }
            }
        }
    }

    void end() {
        end(System.nanoTime());
    }

    /** @param nanos when it was over, as is known only now */
    void end(long nanos) {
        measuring = false;
        done = true;
        endedNanos = nanos;
        Events.print("measured");
    }

    boolean done() {
        return done;
    }

    boolean measuring() {
        return measuring;
    }

    /** @param sinceNanos of System.nanoTime: when it began, or should have */
    void completed(int messages, long sinceNanos) {
        if (measuring) {
            completed.add(messages);
            latencies.recordValue(Math.min(LONGEST_NANOS, Math.max(0, System.nanoTime() - sinceNanos)));
        }
    }

    void failed(Throwable error) {
        failures.increment();
        firstFailure.compareAndSet(null, error.toString());
    }

    /** The event {@code result}, with further fields. */
    void report(JSONObject further) {
        JSONObject fields = JSONObject.of(
            "messages", completed.sum(),
            "seconds", (endedNanos - beganNanos) / 1e9,
            "latency", inMillis(latencies),
            "sent", sent.toJson());
        fields.fluentPut("received", received.toJson()).fluentPut("failures", failures.sum());
        if (firstFailure.get() != null) {
            fields.put("firstFailure", firstFailure.get());
        }
        fields.putAll(further);
        Events.print("result", fields);
    }

    void report() {
        report(new JSONObject());
    }

    /** Of a histogram of nanoseconds; nothing of an empty one. */
    static JSONObject inMillis(Histogram nanos) {
        if (nanos.getTotalCount() == 0) {
            return new JSONObject();
        }
        return JSONObject.of(
                "min", nanos.getMinValue() / 1e6,
                "p50", nanos.getValueAtPercentile(50) / 1e6,
                "p99", nanos.getValueAtPercentile(99) / 1e6,
                "p999", nanos.getValueAtPercentile(99.9) / 1e6)
            .fluentPut("max", nanos.getMaxValue() / 1e6);
    }
}
