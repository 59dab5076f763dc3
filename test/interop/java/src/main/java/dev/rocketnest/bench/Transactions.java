package dev.rocketnest.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Transactions that commit at once. Options: topic, threads, size, warmup, seconds. */
final class Transactions {

    private Transactions() {
    }

    static void run(Options options) throws Exception {
        Measurement measurement = new Measurement();
        TransactionMQProducer producer = new TransactionMQProducer("bench_transactions");
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        Clients.started(producer, options);
        AtomicInteger workers = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < options.number("threads"); i++) {
            threads.add(new Thread(() -> {
                int worker = workers.getAndIncrement();
                for (long number = 0; !measurement.done(); number++) {
                    byte[] body = Bodies.create(options.number("size"), worker, number, 0);
                    try {
                        long begin = System.nanoTime();
                        Send.check(producer.sendMessageInTransaction(new Message(options.text("topic"), body), null));
                        measurement.sent.add(body);
                        measurement.completed(1, begin);
                    } catch (Exception error) {
                        measurement.failed(error);
                    }
                }
            }));
        }
        threads.forEach(Thread::start);
        measurement.pass(options);
        for (Thread thread : threads) {
            thread.join();
        }
        // Commits are one-way: one that was lost is made up for by a check-back, which needs this producer.
        List<MessageQueue> queues = producer.fetchPublishMessageQueues(options.text("topic"));
        Receiver.await("all commits", () -> Clients.stored(producer, queues) >= measurement.sent.count());
        measurement.report();
        producer.shutdown();
    }
}
