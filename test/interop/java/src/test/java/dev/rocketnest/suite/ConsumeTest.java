package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.junit.jupiter.api.Test;

/** What push consumers of one and of several groups receive. */
class ConsumeTest extends SuiteTest {

    private static final String AREA = "Consuming";

    @Test
    @Feature(area = AREA, name = "subscription by tags")
    void subscriptionsByTags() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        for (String tag : List.of("TagA", "TagB", "标签", "TagA")) {
            send(producer, topic, tag, tag);
        }
        producer.send(new Message(topic, bytes("untagged")));
        Inbox all = consume(group(), topic, "*");
        Inbox none = consume(group(), topic, "Other");
        Inbox one = consume(group(), topic, "TagA");
        Inbox two = consume(group(), topic, "TagB || 标签");
        assertEquals(List.of("TagA", "TagA", "TagB", "untagged", "标签"), all.awaitBodies(5));
        assertEquals(List.of("TagA", "TagA"), one.awaitBodies(2));
        assertEquals(List.of("TagB", "标签"), two.awaitBodies(2));
        assertEquals(List.of(), none.bodies());
    }

    @Test
    @Feature(area = AREA, name = "subscription by tags")
    void tagsOfEqualHashAreToldApart() {
        String topic = topic();
        DefaultMQProducer producer = producer();
        assertEquals("Aa".hashCode(), "BB".hashCode());
        send(producer, topic, "Aa", "1");
        send(producer, topic, "BB", "2");
        send(producer, topic, "Aa", "3");
        assertEquals(List.of("1", "3"), consume(group(), topic, "Aa").awaitBodies(2));
    }

    @Test
    @Feature(area = AREA, name = "several topics in one consumer, several groups on one topic")
    void severalTopicsAndGroups() {
        String first = topic();
        String second = topic();
        DefaultMQProducer producer = producer();
        send(producer, first, "", "1");
        send(producer, second, "", "2");
        for (int i = 0; i < 2; i++) {
            Inbox inbox = consume(group(), consumer -> run(() -> {
                consumer.subscribe(first, "*");
                consumer.subscribe(second, "*");
            }));
            assertEquals(List.of("1", "2"), inbox.awaitBodies(2));
        }
    }

    @Test
    @Feature(area = AREA, name = "consumers of a group share the queues, and take over when one joins or leaves")
    void consumersOfAGroupShareTheQueues() {
        String topic = topic(6);
        String group = group();
        DefaultMQProducer producer = producer();
        Inbox one = consume(group, topic, "*");
        Inbox two = consume(group, topic, "*");
        awaitShares(topic, 3, one, two);
        sendToAll(producer, topic, 6, "shared");
        await("all messages", () -> one.size() + two.size() == 6);
        assertEquals(3, one.size());

        Inbox three = consume(group, topic, "*");
        awaitShares(topic, 2, one, two, three);
        one.consumer.shutdown();
        awaitShares(topic, 3, two, three);
        sendToAll(producer, topic, 6, "later");
        await("all messages", () -> Stream.of(two, three)
            .flatMap(inbox -> inbox.bodies().stream()).filter(body -> body.startsWith("later")).count() == 6);
        Set<String> distinct = new HashSet<>(two.bodies());
        distinct.addAll(three.bodies());
        assertEquals(6, distinct.stream().filter(body -> body.startsWith("later")).count());
    }

    @Test
    @Feature(area = AREA, name = "a group goes on where it stopped")
    void aGroupGoesOnWhereItStopped() {
        String topic = topic(1);
        String group = group();
        DefaultMQProducer producer = producer();
        send(producer, topic, "", "1");
        Inbox first = consume(group, topic, "*");
        first.await(1);
        first.consumer.shutdown();
        send(producer, topic, "", "2");
        Inbox second = consume(group, topic, "*");
        second.await(1);
        assertEquals(List.of("2"), second.bodies());
    }

    @Test
    @Feature(area = AREA, name = "consumeFromWhere: first offset, timestamp; a young topic is read from its start")
    void consumeFromWhere() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        send(producer, topic, "", "1");
        send(producer, topic, "", "2");
        for (ConsumeFromWhere where : List.of(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET,
            ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET, ConsumeFromWhere.CONSUME_FROM_TIMESTAMP)) {
            Inbox inbox = consume(group(), consumer -> {
                consumer.setConsumeFromWhere(where);
                consumer.setConsumeTimestamp("20200101000000");
                run(() -> consumer.subscribe(topic, "*"));
            });
            assertEquals(List.of("1", "2"), inbox.awaitBodies(2), where.toString());
        }
    }

    @Test
    @Feature(area = AREA, name = "a suspended consumer receives nothing until it is resumed")
    void aSuspendedConsumerReceivesNothing() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        Inbox suspended = consume(group(), topic, "*");
        send(producer, topic, "", "before");
        suspended.await(1);
        suspended.consumer.suspend();
        Inbox other = consume(group(), topic, "*");
        // the pull that was under way when it was suspended still brings one message
        send(producer, topic, "", "under way");
        other.await(2);
        send(producer, topic, "", "suspended");
        other.await(3);
        assertTrue(!suspended.bodies().contains("suspended"), suspended.bodies().toString());
        suspended.consumer.resume();
        suspended.await(3);
    }

    @Test
    @Feature(area = AREA, name = "a waiting pull is answered as soon as a message arrives")
    void aWaitingPullIsAnsweredAtOnce() {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        Inbox inbox = consume(group(), topic, "*");
        send(producer, topic, "", "first");
        inbox.await(1);
        List<Long> delays = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            int expected = i + 2;
            long sentAt = System.nanoTime();
            send(producer, topic, "", "m" + i);
            inbox.await(expected);
            delays.add((System.nanoTime() - sentAt) / 1_000_000);
        }
        delays.sort(null);
        assertTrue(delays.get(10) < 200, "median of " + delays + " ms");
    }

    @Test
    @Feature(area = AREA, name = "batches of messages per call of the listener")
    void manyMessagesAreReadInOrderOfTheirQueue() throws Exception {
        String topic = topic(4);
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 20; i++) {
            int batch = i;
            producer.send(IntStream.range(0, 50).mapToObj(j -> new Message(topic, bytes(batch + " " + j)))
                .collect(Collectors.toList()));
        }
        Inbox inbox = consume(group(), consumer -> {
            consumer.setConsumeMessageBatchMaxSize(32);
            run(() -> consumer.subscribe(topic, "*"));
        });
        inbox.await(1_000);
        assertEquals(1_000, Set.copyOf(inbox.bodies()).size());
    }

    private static void awaitShares(String topic, int queues, Inbox... inboxes) {
        await(queues + " queues for each of " + inboxes.length + " consumers", () -> Stream.of(inboxes)
            .allMatch(inbox -> ownedQueues(inbox.consumer, topic) == queues));
    }

    private static long ownedQueues(DefaultMQPushConsumer consumer, String topic) {
        return consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet().stream()
            .filter(queue -> queue.getTopic().equals(topic)).count();
    }

    private static void sendToAll(DefaultMQProducer producer, String topic, int queues, String prefix) {
        for (int i = 0; i < queues; i++) {
            MessageQueue queue = queue(topic, i);
            String body = prefix + " " + i;
            run(() -> producer.send(new Message(topic, bytes(body)), queue));
        }
    }
}
