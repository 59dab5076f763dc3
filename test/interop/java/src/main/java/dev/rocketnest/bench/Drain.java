package dev.rocketnest.bench;

import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;

/**
 * Consumes a backlog. Options: topic and count of the messages that are there; warmupTopic and warmupCount of a smaller backlog that
 * is consumed before; consumeBatch. The measurement is from the first to the last message.
 */
final class Drain {

    private Drain() {
    }

    static void run(Options options) throws Exception {
        Tally warmup = new Tally();
        long warmupCount = options.number("warmupCount");
        DefaultMQPushConsumer first = Receiver.start(options, "bench_drain_warmup", options.text("warmupTopic"),
            message -> warmup.add(message.getBody()));
        Receiver.await("the backlog of the warm-up", () -> warmup.count() >= warmupCount);
        first.shutdown();

        Measurement measurement = new Measurement();
        long count = options.number("count");
        DefaultMQPushConsumer second = Receiver.start(options, "bench_drain", options.text("topic"), message -> {
            measurement.beginOnce();
            measurement.received.add(message.getBody());
            measurement.completed(1, System.nanoTime());
        });
        Receiver.await("the backlog", () -> measurement.received.count() >= count);
        measurement.end();
        measurement.report();
        second.shutdown();
    }
}
