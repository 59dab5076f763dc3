package dev.rocketnest.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends as fast as the servers take it. Options: mode, threads, size (bytes), warmup and seconds; topic, topics (that many, named
 * topic-0 …, in turn); batch (messages in each) and inflight (unanswered sends of all threads, async).
 */
final class Send {

    private interface Mode {
        /** Sends one message or batch. */
        void send(Sender sender) throws Exception;
    }

    private static final Map<String, Mode> MODES = Map.of(
        "sync", Send::sync,
        "async", Send::async,
        "batch", Send::batch);

    private Send() {
    }

    /** One thread's side of it. */
    private static final class Sender {
        final Measurement measurement;
        final DefaultMQProducer producer;
        final Semaphore slots;
        final int batch;
        private final String[] topics;
        private final int size;
        private final int worker;
        private long number;

        Sender(Options options, Measurement measurement, DefaultMQProducer producer, Semaphore slots, int worker) {
            this.measurement = measurement;
            this.producer = producer;
            this.slots = slots;
            this.worker = worker;
            this.batch = options.number("batch", 1);
            this.topics = Clients.topics(options);
            this.size = options.number("size");
        }

        Message next() {
            byte[] body = Bodies.create(size, worker, number, 0);
            return new Message(topics[(int) ((number++ + worker) % topics.length)], body);
        }
    }

    static void run(Options options) throws Exception {
        Mode mode = MODES.get(options.text("mode"));
        int threads = options.number("threads", 1);
        int inflight = options.number("inflight", 1024);
        Semaphore slots = new Semaphore(inflight);
        Measurement measurement = new Measurement();
        DefaultMQProducer producer = Clients.producer(options);
        List<Thread> workers = new ArrayList<>();
        for (int worker = 0; worker < threads; worker++) {
            Sender sender = new Sender(options, measurement, producer, slots, worker);
            workers.add(new Thread(() -> {
                while (!measurement.done()) {
                    try {
                        mode.send(sender);
                    } catch (Exception error) {
                        measurement.failed(error);
                    }
                }
            }));
        }
        workers.forEach(Thread::start);
        measurement.pass(options);
        for (Thread worker : workers) {
            worker.join();
        }
        slots.acquire(inflight);
        measurement.report();
    }

    private static void sync(Sender sender) throws Exception {
        Message message = sender.next();
        long begin = System.nanoTime();
        check(sender.producer.send(message));
        sender.measurement.sent.add(message.getBody());
        sender.measurement.completed(1, begin);
    }

    private static void batch(Sender sender) throws Exception {
        List<Message> messages = new ArrayList<>(sender.batch);
        for (int i = 0; i < sender.batch; i++) {
            messages.add(sender.next());
        }
        long begin = System.nanoTime();
        check(sender.producer.send(messages));
        for (Message message : messages) {
            sender.measurement.sent.add(message.getBody());
        }
        sender.measurement.completed(sender.batch, begin);
    }

    private static void async(Sender sender) throws Exception {
        sender.slots.acquire();
        Message message = sender.next();
        long begin = System.nanoTime();
        sender.producer.send(message, callback(sender.measurement, sender.slots, message.getBody(), begin));
    }

    /** Counts one asynchronous send, and gives its slot back. */
    static SendCallback callback(Measurement measurement, Semaphore slots, byte[] body, long sinceNanos) {
        return new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                try {
                    check(result);
                    measurement.sent.add(body);
                    measurement.completed(1, sinceNanos);
                } catch (IllegalStateException error) {
                    measurement.failed(error);
                } finally {
                    slots.release();
                }
            }

            @Override
            public void onException(Throwable error) {
                measurement.failed(error);
                slots.release();
            }
        };
    }

    static void check(SendResult result) {
        if (result.getSendStatus() != SendStatus.SEND_OK) {
            throw new IllegalStateException("send answered " + result.getSendStatus());
        }
    }
}
