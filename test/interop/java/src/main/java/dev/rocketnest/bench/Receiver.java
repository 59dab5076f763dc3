package dev.rocketnest.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.impl.consumer.RebalanceImpl;
import org.apache.rocketmq.common.message.MessageExt;

/** Starts push consumers and waits for what must come. */
@SuppressWarnings("deprecation")
final class Receiver {

    interface Handler {
        void handle(MessageExt message);
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    private Receiver() {
    }

    /** A consumer of messages in any order; started. */
    static DefaultMQPushConsumer start(Options options, String group, String topic, Handler handler) throws Exception {
        DefaultMQPushConsumer consumer = Clients.consumer(options, group, topic);
        consumer.setConsumeMessageBatchMaxSize(options.number("consumeBatch", 1));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                handler.handle(message);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    /** Waits until the consumer pulls from all queues of its topic: messages that are sent then are not waited for. */
    static void awaitQueues(Options options, List<DefaultMQPushConsumer> consumers) throws Exception {
        int queues = options.number("queues");
        await("queues of all consumers", () -> consumers.stream().allMatch(consumer -> {
            RebalanceImpl rebalance = consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl();
            return rebalance.getProcessQueueTable().keySet().stream()
                .filter(queue -> queue.getTopic().equals(options.text("topic"))).count() == queues;
        }));
    }

    /** Polls every millisecond, for four minutes at most. */
    static void await(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(4);
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("gave up waiting for " + what);
            }
            Thread.sleep(1);
        }
    }
}
