package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Sends that nothing answers: what counts is what the broker has stored, and when. Options: threads, size, topic, warmup, seconds.
 * The result has {@code stored}, of all that was sent.
 */
final class Oneway {

    /** A broker that has stored nothing for this long stores no more of it. */
    private static final long QUIET_NANOS = 3_000_000_000L;

    private Oneway() {
    }

    static void run(Options options) throws Exception {
        Measurement measurement = new Measurement();
        DefaultMQProducer producer = Clients.producer(options);
        List<MessageQueue> queues = producer.fetchPublishMessageQueues(options.text("topic"));
        AtomicLong number = new AtomicLong();

        send(options, producer, measurement, number, options.millisOfSeconds("warmup"));
        untilStored(producer, queues, measurement);
        long before = Clients.stored(producer, queues);
        measurement.begin();
        send(options, producer, measurement, number, options.millisOfSeconds("seconds"));
        measurement.end(untilStored(producer, queues, measurement));
        long stored = Clients.stored(producer, queues);
        measurement.report(JSONObject.of("messages", stored - before, "stored", stored));
    }

    private static void send(Options options, DefaultMQProducer producer, Measurement measurement, AtomicLong number, long millis)
            throws InterruptedException {
        long end = System.nanoTime() + millis * 1_000_000;
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < options.number("threads"); i++) {
            workers.add(new Thread(() -> {
                while (System.nanoTime() < end) {
                    byte[] body = Bodies.create(options.number("size"), 0, number.getAndIncrement(), 0);
                    try {
                        producer.sendOneway(new Message(options.text("topic"), body));
                        measurement.sent.add(body);
                    } catch (Exception error) {
                        measurement.failed(error);
                    }
                }
            }));
        }
        workers.forEach(Thread::start);
        for (Thread worker : workers) {
            worker.join();
        }
    }

    /** Waits until all is stored, or no more is. @return when the last of it was, of System.nanoTime */
    private static long untilStored(DefaultMQProducer producer, List<MessageQueue> queues, Measurement measurement) throws Exception {
        long stored = 0;
        long grew = System.nanoTime();
        while (System.nanoTime() - grew < QUIET_NANOS && stored < measurement.sent.count()) {
            long now = Clients.stored(producer, queues);
            if (now > stored) {
                stored = now;
                grew = System.nanoTime();
            }
            Thread.sleep(5);
        }
        return grew;
    }
}
