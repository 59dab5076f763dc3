package dev.rocketnest.bench;

import java.util.List;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;

/** Clients as a user has them, but for deadlines that a busy machine meets, and without repeats: a failed send is a failed run. */
@SuppressWarnings("deprecation")
final class Clients {

    private static final int PATIENCE_MILLIS = 60_000;
    private static final int RARELY_MILLIS = 600_000;

    private Clients() {
    }

    static DefaultMQProducer producer(Options options) throws MQClientException {
        return started(new DefaultMQProducer("bench_producer"), options);
    }

    static <P extends DefaultMQProducer> P started(P producer, Options options) throws MQClientException {
        configure(producer, options);
        producer.setSendMsgTimeout(PATIENCE_MILLIS);
        producer.setRetryTimesWhenSendFailed(0);
        producer.setRetryTimesWhenSendAsyncFailed(0);
        // With 10,000 topics, asking for all routes every 30 s would be a load of its own.
        producer.setPollNameServerInterval(RARELY_MILLIS);
        producer.start();
        return producer;
    }

    /** Reads a topic from its beginning; the listener and the start are the caller's. */
    static DefaultMQPushConsumer consumer(Options options, String group, String topic) throws MQClientException {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        configure(consumer, options);
        consumer.setInstanceName(group);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        return consumer;
    }

    static DefaultMQPullConsumer puller(Options options, String group) throws MQClientException {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group);
        configure(consumer, options);
        consumer.setInstanceName(group);
        consumer.setConsumerPullTimeoutMillis(PATIENCE_MILLIS);
        consumer.start();
        return consumer;
    }

    /** So that no send has to ask for it. */
    static void learnRoute(DefaultMQProducer producer, String topic) {
        if (!producer.getDefaultMQProducerImpl().getMqClientFactory().updateTopicRouteInfoFromNameServer(topic)) {
            throw new IllegalStateException("the name server has no route of " + topic);
        }
    }

    /** Messages in the queues, as the broker counts them. */
    static long stored(DefaultMQProducer producer, List<MessageQueue> queues) throws MQClientException {
        long sum = 0;
        for (MessageQueue queue : queues) {
            sum += producer.maxOffset(queue) - producer.minOffset(queue);
        }
        return sum;
    }

    private static void configure(ClientConfig client, Options options) {
        client.setNamesrvAddr(options.text("namesrv"));
        client.setMqClientApiTimeout(PATIENCE_MILLIS);
    }
}
