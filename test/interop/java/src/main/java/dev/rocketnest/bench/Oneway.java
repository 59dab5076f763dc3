package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Sends that nothing answers: what counts is what the broker has stored, and when. Options: threads, window, size, topic, warmup,
 * seconds. No more than the window are under way: what a broker has stored is asked for all the time. Without that the client
 * would collect messages without limit, and drop them. The result has {@code stored}, of all that was sent.
 */
@SuppressWarnings("deprecation")
final class Oneway {

    /** A broker that has stored nothing for this long stores no more of what it was sent. */
    private static final long QUIET_NANOS = 10_000_000_000L;

    private final Options options;
    private final Measurement measurement = new Measurement();
    private final DefaultMQProducer producer;
    /** Questions must not wait behind the sends: another connection. */
    private final DefaultMQPullConsumer counter;
    private final Set<MessageQueue> queues;
    private final AtomicLong handed = new AtomicLong();
    private volatile long stored;
    private volatile long grewNanos = System.nanoTime();
    private volatile long dropped;

    private Oneway(Options options) throws Exception {
        this.options = options;
        this.producer = Clients.producer(options);
        this.counter = Clients.puller(options, "bench_oneway");
        this.queues = counter.fetchSubscribeMessageQueues(options.text("topic"));
    }

    static void run(Options options) throws Exception {
        Oneway oneway = new Oneway(options);
        Thread counting = new Thread(oneway::count);
        counting.setDaemon(true);
        counting.start();

        oneway.send(options.millisOfSeconds("warmup"));
        oneway.awaitStored();
        long before = oneway.stored;
        oneway.measurement.begin();
        oneway.send(options.millisOfSeconds("seconds"));
        oneway.awaitStored();
        oneway.measurement.end(oneway.grewNanos);
        long stored = oneway.stored;
        oneway.measurement.report(JSONObject.of("messages", stored - before, "stored", stored));
    }

    private void count() {
        try {
            for (;;) {
                long now = Clients.stored(counter, queues);
                if (now > stored) {
                    stored = now;
                    grewNanos = System.nanoTime();
                } else if (System.nanoTime() - grewNanos > QUIET_NANOS) {
                    dropped = handed.get() - stored;
                }
                Thread.sleep(1);
            }
        } catch (Exception error) {
            measurement.failed(error);
        }
    }

    private long underWay() {
        return handed.get() - stored - dropped;
    }

    private void send(long millis) throws InterruptedException {
        int window = options.number("window");
        long end = System.nanoTime() + millis * 1_000_000;
        grewNanos = System.nanoTime();
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < options.number("threads"); i++) {
            workers.add(new Thread(() -> {
                while (System.nanoTime() < end) {
                    if (underWay() >= window) {
                        LockSupport.parkNanos(100_000);
                        continue;
                    }
                    byte[] body = Bodies.create(options.number("size"), 0, handed.getAndIncrement(), 0);
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

    /** Waits until all is stored, or no more of it is. */
    private void awaitStored() throws Exception {
        Receiver.await("all to be stored or dropped", () -> underWay() <= 0);
    }
}
