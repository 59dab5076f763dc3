package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.Test;

@SuppressWarnings("deprecation") // namespaces of the first kind are what brokers see as names
class NamespaceTest extends SuiteTest {

    private static final String AREA = "Namespaces";

    /** A topic of a namespace; its name within the namespace. */
    private static String topicIn(String namespace) {
        String name = unique("T");
        topic(new TopicConfig(namespace + "%" + name, 2, 2));
        return name;
    }

    private DefaultMQProducer producerIn(String namespace) {
        return producer(producer -> producer.setNamespace(namespace));
    }

    @Test
    @Feature(area = AREA, name = "the same topic in two namespaces is two topics")
    void namespacesAreApart() {
        String one = unique("NS");
        String two = unique("NS");
        String topic = topicIn(one);
        topic(new TopicConfig(two + "%" + topic, 2, 2));
        String group = group();
        Inbox inOne = consume(group, consumer -> {
            consumer.setNamespace(one);
            run(() -> consumer.subscribe(topic, "*"));
        });
        Inbox inTwo = consume(group, consumer -> {
            consumer.setNamespace(two);
            run(() -> consumer.subscribe(topic, "*"));
        });
        send(producerIn(one), topic, "", "for one");
        send(producerIn(two), topic, "", "for two");
        assertEquals(List.of("for one"), inOne.awaitBodies(1));
        assertEquals(List.of("for two"), inTwo.awaitBodies(1));
        assertEquals(topic, inOne.messages().get(0).getTopic());
    }

    @Test
    @Feature(area = AREA, name = "retries and dead letters stay in the namespace")
    void retriesStayInTheNamespace() throws Exception {
        String namespace = unique("NS");
        String topic = topicIn(namespace);
        String group = group();
        DefaultMQPushConsumer consumer = configured(new DefaultMQPushConsumer(group));
        consumer.setNamespace(namespace);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setMaxReconsumeTimes(1);
        consumer.subscribe(topic, "*");
        Inbox attempts = new Inbox(consumer);
        List<String> topics = new CopyOnWriteArrayList<>();
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            attempts.add(messages);
            // The client renames the message when it sends it back.
            messages.forEach(message -> topics.add(message.getTopic()));
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();
        shutdownLater(consumer::shutdown);
        send(producerIn(namespace), topic, "", "poison");
        List<MessageExt> both = attempts.await(2);
        assertEquals(List.of(0, 1), both.stream().map(MessageExt::getReconsumeTimes).collect(Collectors.toList()));
        await("both topics", () -> topics.equals(List.of(topic, topic)));
        String deadLetters = "%DLQ%" + namespace + "%" + group;
        await("the dead letter", () -> admin.maxOffset(queue(deadLetters, 0)) == 1);
        assertTrue(admin.fetchAllTopicList().getTopicList().contains("%RETRY%" + namespace + "%" + group));
    }

    @Test
    @Feature(area = AREA, name = "filters, delays and keys work in a namespace")
    void everythingElseWorksInANamespace() throws Exception {
        String namespace = unique("NS");
        String topic = topicIn(namespace);
        Inbox inbox = consume(group(), consumer -> {
            consumer.setNamespace(namespace);
            run(() -> consumer.subscribe(topic, MessageSelector.bySql("a > 1")));
        });
        DefaultMQProducer producer = producerIn(namespace);
        for (int a = 0; a < 4; a++) {
            Message message = new Message(topic, "", "key" + a, bytes("m" + a));
            message.putUserProperty("a", Integer.toString(a));
            message.setDelayTimeLevel(a == 3 ? 1 : 0);
            producer.send(message);
        }
        assertEquals(List.of("m2", "m3"), inbox.awaitBodies(2));
        long now = System.currentTimeMillis();
        await("the message is found by its key", () -> admin.queryMessage(namespace + "%" + topic, "key1", 10, now - 60_000, now + 60_000)
            .getMessageList().size() == 1);
    }

    @Test
    @Feature(area = AREA, name = "namespaces of the second kind travel beside the names")
    void namespacesOfTheSecondKindChangeNothing() {
        String topic = topic();
        Inbox inbox = consume(group(), consumer -> {
            consumer.setNamespaceV2(unique("NS"));
            run(() -> consumer.subscribe(topic, "*"));
        });
        send(producer(producer -> producer.setNamespaceV2(unique("NS"))), topic, "", "m");
        assertEquals(List.of("m"), inbox.awaitBodies(1));
    }
}
