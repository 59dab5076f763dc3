package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Sends with keys, each key to its queue, to a consumer that keeps the order: the next message of a key is sent when the one before
 * has arrived. Options: topic, queues, keys, threads (of the sender), size, warmup, seconds. {@code latency} is from send to arrival;
 * {@code disordered} counts messages that are not the next of their key.
 */
final class Ordered {

    private Ordered() {
    }

    static void run(Options options) throws Exception {
        int keys = options.number("keys");
        Measurement measurement = new Measurement();
        AtomicLongArray next = new AtomicLongArray(keys);
        LongAdder disordered = new LongAdder();
        BlockingQueue<Integer> ready = new LinkedBlockingQueue<>();

        DefaultMQPushConsumer consumer = Clients.consumer(options, "bench_ordered", options.text("topic"));
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            for (MessageExt message : messages) {
                byte[] body = message.getBody();
                measurement.received.add(body);
                measurement.completed(1, Bodies.time(body));
                int key = (int) (Bodies.id(body) >> 40);
                long number = Bodies.id(body) & (1L << 40) - 1;
                if (!next.compareAndSet(key, number, number + 1)) {
                    disordered.increment();
                }
                ready.add(key);
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        Receiver.awaitQueues(options, List.of(consumer));

        DefaultMQProducer producer = Clients.producer(options);
        for (int key = 0; key < keys; key++) {
            ready.add(key);
        }
        List<Thread> senders = new ArrayList<>();
        for (int i = 0; i < options.number("threads"); i++) {
            senders.add(new Thread(() -> {
                try {
                    while (!measurement.done()) {
                        Integer key = ready.poll(10, TimeUnit.MILLISECONDS);
                        if (key != null) {
                            byte[] body = Bodies.create(options.number("size"), key, next.get(key), System.nanoTime());
                            Send.check(producer.send(new Message(options.text("topic"), body),
                                (queues, message, argument) -> queues.get((int) argument % queues.size()), key));
                            measurement.sent.add(body);
                        }
                    }
                } catch (Exception error) {
                    measurement.failed(error);
                }
            }));
        }
        senders.forEach(Thread::start);
        measurement.pass(options);
        for (Thread sender : senders) {
            sender.join();
        }
        Receiver.await("all messages to arrive", () -> measurement.received.count() >= measurement.sent.count());
        measurement.report(JSONObject.of("disordered", disordered.sum()));
        consumer.shutdown();
    }
}
