package dev.rocketnest.bench;

import java.util.Collection;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.MQAdmin;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.impl.producer.DefaultMQProducerImpl;
import org.apache.rocketmq.client.impl.producer.TopicPublishInfo;
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

    /** {@code topic}; with {@code topics}, so many: topic-0 and so on. */
    static String[] topics(Options options) {
        String topic = options.text("topic");
        int count = options.number("topics", 1);
        if (count == 1) {
            return new String[] {topic};
        }
        String[] topics = new String[count];
        for (int i = 0; i < count; i++) {
            topics[i] = topic + "-" + i;
        }
        return topics;
    }

    static DefaultMQProducer producer(Options options) throws Exception {
        return started(new DefaultMQProducer("bench_producer"), options);
    }

    static <P extends DefaultMQProducer> P started(P producer, Options options) throws Exception {
        configure(producer, options);
        producer.setSendMsgTimeout(PATIENCE_MILLIS);
        producer.setRetryTimesWhenSendFailed(0);
        producer.setRetryTimesWhenSendAsyncFailed(0);
        // With 10,000 topics, asking for all routes every 30 s would be a load of its own.
        producer.setPollNameServerInterval(RARELY_MILLIS);
        producer.start();
        for (String topic : topics(options)) {
            learnRoute(producer, topic);
        }
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

    /** So that no send has to ask for it: with 64 threads, some would fail waiting for each other's questions. */
    private static void learnRoute(DefaultMQProducer producer, String topic) throws Exception {
        DefaultMQProducerImpl implementation = producer.getDefaultMQProducerImpl();
        Receiver.await("the route of " + topic, () -> {
            implementation.getMqClientFactory().updateTopicRouteInfoFromNameServer(topic);
            TopicPublishInfo known = implementation.getTopicPublishInfoTable().get(topic);
            return known != null && known.ok();
        });
    }

    /** Messages that the queues of a topic that was created for this run were given, as the broker counts them. */
    static long stored(MQAdmin client, Collection<MessageQueue> queues) throws MQClientException {
        long sum = 0;
        for (MessageQueue queue : queues) {
            sum += client.maxOffset(queue);
        }
        return sum;
    }

    private static void configure(ClientConfig client, Options options) {
        client.setNamesrvAddr(options.text("namesrv"));
        client.setMqClientApiTimeout(PATIENCE_MILLIS);
    }
}
