package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends at a fixed rate, whatever the servers do, to a consumer that waits. Options: topic, queues, rate (messages a second), size,
 * warmup, seconds; deliverIn (ms: timers) or delayLevel with levelMillis. The time of a message is the moment it should have been
 * sent or, with a delay, the moment it is due; {@code latency} is the distance of its arrival from that; {@code early} counts those
 * that came before they were due.
 */
final class EndToEnd {

    private static final int IN_FLIGHT = 10_000;

    private EndToEnd() {
    }

    static void run(Options options) throws Exception {
        int deliverIn = options.number("deliverIn", 0);
        int delayLevel = options.number("delayLevel", 0);
        long delayMillis = delayLevel > 0 ? options.number("levelMillis") : deliverIn;
        long periodNanos = 1_000_000_000L / options.number("rate");
        long counted = options.millisOfSeconds("seconds") * 1_000_000 / periodNanos;
        long warmingUp = options.millisOfSeconds("warmup") * 1_000_000 / periodNanos;

        Measurement measurement = new Measurement();
        Histogram latencies = new ConcurrentHistogram(TimeUnit.MINUTES.toNanos(5), 3);
        LongAdder early = new LongAdder();
        // Dues of the wall clock must be compared with it, and it shows broken milliseconds; the others with the steady clock.
        DefaultMQPushConsumer consumer = Receiver.start(options, "bench_latency", options.text("topic"), message -> {
            byte[] body = message.getBody();
            measurement.received.add(body);
            long nanos = (delayMillis > 0 ? Clock.epochNanos() : System.nanoTime()) - Bodies.time(body);
            if (Bodies.id(body) < warmingUp) {
                return;
            }
            if (nanos < 0) {
                early.increment();
            }
            latencies.recordValue(Math.max(0, nanos));
        });
        Receiver.awaitQueues(options, List.of(consumer));
        DefaultMQProducer producer = Clients.producer(options);
        Semaphore slots = new Semaphore(IN_FLIGHT);

        long start = System.nanoTime();
        for (long number = 0; number < warmingUp + counted; number++) {
            long due = start + number * periodNanos;
            for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
                LockSupport.parkNanos(wait);
            }
            if (number == warmingUp) {
                measurement.begin();
            }
            long sendMillis = System.currentTimeMillis();
            long time = delayMillis > 0 ? (sendMillis + delayMillis) * 1_000_000 : due;
            byte[] body = Bodies.create(options.number("size"), 0, number, time);
            Message message = new Message(options.text("topic"), body);
            if (delayLevel > 0) {
                message.setDelayTimeLevel(delayLevel);
            } else if (deliverIn > 0) {
                message.setDeliverTimeMs(sendMillis + deliverIn);
            }
            slots.acquire();
            producer.send(message, Send.callback(measurement, slots, body, due));
        }
        slots.acquire(IN_FLIGHT);
        Receiver.await("all messages to arrive", () -> measurement.received.count() >= measurement.sent.count());
        measurement.end();
        measurement.report(JSONObject.of("latency", Measurement.inMillis(latencies), "early", early.sum()));
        consumer.shutdown();
    }
}
