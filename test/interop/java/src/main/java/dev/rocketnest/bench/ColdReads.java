package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Sends to one topic at a fixed rate, while readers read another from its beginning as fast as they can. Options: topic, coldTopic,
 * readers (none: how the sends are without), rate, size, warmup, seconds. {@code latency} is that of the sends, from the moment each
 * should have been made; {@code readBytes} are bodies read in the measurement.
 */
@SuppressWarnings("deprecation")
final class ColdReads {

    private static final int IN_FLIGHT = 20_000;
    private static final int PULL = 32;
    private static final int FIRST_SENDS = 200;
    private static final int FIRST_WORKER = 1_000_000;

    private ColdReads() {
    }

    static void run(Options options) throws Exception {
        Measurement measurement = new Measurement();
        DefaultMQProducer producer = Clients.producer(options);
        DefaultMQPullConsumer consumer = Clients.puller(options, "bench_cold");
        List<MessageQueue> queues = new ArrayList<>(consumer.fetchSubscribeMessageQueues(options.text("coldTopic")));
        LongAdder readBytes = new LongAdder();
        List<Thread> threads = new ArrayList<>();
        threads.add(new Thread(() -> send(options, producer, measurement)));
        for (int reader = 0; reader < options.number("readers"); reader++) {
            MessageQueue queue = queues.get(reader % queues.size());
            threads.add(new Thread(() -> read(consumer, queue, measurement, readBytes)));
        }
        threads.forEach(Thread::start);
        measurement.pass(options);
        for (Thread thread : threads) {
            thread.join();
        }
        measurement.report(JSONObject.of("readBytes", readBytes.sum()));
    }

    private static void send(Options options, DefaultMQProducer producer, Measurement measurement) {
        long periodNanos = 1_000_000_000L / options.number("rate");
        Semaphore slots = new Semaphore(IN_FLIGHT);
        try {
            // Connecting and loading classes takes a while; the clock of the rate starts when that is over.
            for (int number = 0; number < FIRST_SENDS; number++) {
                byte[] body = Bodies.create(options.number("size"), FIRST_WORKER, number, 0);
                Send.check(producer.send(new Message(options.text("topic"), body)));
                measurement.sent.add(body);
            }
            long start = System.nanoTime();
            for (long number = 0; !measurement.done(); number++) {
                long due = start + number * periodNanos;
                for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
                    LockSupport.parkNanos(wait);
                }
                byte[] body = Bodies.create(options.number("size"), options.number("readers"), number, 0);
                slots.acquire();
                producer.send(new Message(options.text("topic"), body), Send.callback(measurement, slots, body, due));
            }
            slots.acquire(IN_FLIGHT);
        } catch (Exception error) {
            measurement.failed(error);
        }
    }

    private static void read(DefaultMQPullConsumer consumer, MessageQueue queue, Measurement measurement, LongAdder readBytes) {
        try {
            for (long offset = 0; !measurement.done();) {
                PullResult result = consumer.pull(queue, "*", offset, PULL);
                boolean found = result.getPullStatus() == PullStatus.FOUND;
                offset = found ? result.getNextBeginOffset() : 0; // at the end: from the beginning
                if (found && measurement.measuring()) {
                    for (MessageExt message : result.getMsgFoundList()) {
                        readBytes.add(message.getBody().length);
                    }
                }
            }
        } catch (Exception error) {
            measurement.failed(error);
        }
    }
}
