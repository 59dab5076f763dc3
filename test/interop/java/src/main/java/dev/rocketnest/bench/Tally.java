package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.concurrent.atomic.LongAdder;

/** How many messages, and the sum of the checksums of their bodies: whatever the order, the same messages give the same. */
final class Tally {

    private final LongAdder count = new LongAdder();
    private final LongAdder sum = new LongAdder();

    void add(byte[] body) {
        sum.add(Bodies.checksum(body));
        count.increment();
    }

    long count() {
        return count.sum();
    }

    JSONObject toJson() {
        return JSONObject.of("count", count.sum(), "sum", sum.sum() & 0xffffffffL);
    }
}
