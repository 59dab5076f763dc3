package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import java.util.function.Consumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.junit.jupiter.api.Test;

/** Consumers in broadcasting mode, which keep their offsets to themselves and start with what is sent from then on. */
class BroadcastTest extends SuiteTest {

    private static final String AREA = "Broadcasting";

    @Test
    @Feature(area = AREA, name = "every consumer gets every message")
    void everyConsumerGetsEveryMessage() {
        String topic = topic();
        String group = group();
        Inbox one = broadcast(group, topic, "*");
        Inbox two = broadcast(group, topic, "*");
        DefaultMQProducer producer = producer();
        for (String body : List.of("1", "2", "3")) {
            send(producer, topic, "", body);
        }
        assertEquals(List.of("1", "2", "3"), one.awaitBodies(3));
        assertEquals(List.of("1", "2", "3"), two.awaitBodies(3));
    }

    @Test
    @Feature(area = AREA, name = "every consumer gets every message")
    void aBroadcastConsumerThatStartsLater() {
        String topic = topic();
        String group = group();
        Inbox one = broadcast(group, topic, "*");
        DefaultMQProducer producer = producer();
        send(producer, topic, "", "1");
        one.await(1);
        Inbox two = broadcast(group, topic, "*");
        send(producer, topic, "", "2");
        assertEquals(List.of("1", "2"), one.awaitBodies(2));
        await("the second message at the second consumer", () -> two.bodies().contains("2"));
        one.consumer.shutdown();
        send(producer, topic, "", "3");
        await("the third message at the second consumer", () -> two.bodies().contains("3"));
    }

    @Test
    @Feature(area = AREA, name = "subscription by tags")
    void broadcastingByTags() {
        String topic = topic();
        String group = group();
        Inbox one = broadcast(group, topic, "TagA");
        Inbox two = broadcast(group, topic, "TagA");
        DefaultMQProducer producer = producer();
        send(producer, topic, "TagB", "b");
        send(producer, topic, "TagA", "a");
        one.await(1);
        two.await(1);
        assertEquals(List.of("a"), one.bodies());
        assertEquals(List.of("a"), two.bodies());
    }

    @Test
    @Feature(area = AREA, name = "subscription by tags")
    void consumersOfAGroupMaySubscribeDifferently() {
        String topic = topic();
        String group = group();
        Inbox all = broadcast(group, topic, "*");
        Inbox tagged = broadcast(group, topic, "TagA");
        DefaultMQProducer producer = producer();
        send(producer, topic, "TagA", "1");
        send(producer, topic, "TagA", "2");
        assertEquals(List.of("1", "2"), all.awaitBodies(2));
        assertEquals(List.of("1", "2"), tagged.awaitBodies(2));
    }

    @Test
    @Feature(area = AREA, name = "groups do not see each other")
    void groupsDoNotSeeEachOther() {
        String topic = topic();
        Inbox one = broadcast(group(), topic, "*");
        Inbox two = broadcast(group(), topic, "*");
        send(producer(), topic, "", "m");
        one.await(1);
        two.await(1);
        assertEquals(1, one.size());
        assertEquals(1, two.size());
    }

    @Test
    @Feature(area = AREA, name = "a failed message does not come again")
    void aFailedMessageDoesNotComeAgain() {
        String topic = topic(1);
        Inbox seen = new Inbox(null);
        broadcast(group(), topic, "*", consumer -> consumer.registerMessageListener(
            (MessageListenerConcurrently) (messages, context) -> {
                seen.add(messages);
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }));
        DefaultMQProducer producer = producer();
        send(producer, topic, "", "1");
        send(producer, topic, "", "2");
        assertEquals(List.of("1", "2"), seen.awaitBodies(2));
    }

    @Test
    @Feature(area = AREA, name = "in order")
    void inOrder() {
        String topic = topic(1);
        String group = group();
        Inbox one = new Inbox(null);
        Inbox two = new Inbox(null);
        for (Inbox inbox : List.of(one, two)) {
            broadcast(group, topic, "*", consumer -> consumer.registerMessageListener(
                (MessageListenerOrderly) (messages, context) -> {
                    inbox.add(messages);
                    return ConsumeOrderlyStatus.SUCCESS;
                }));
        }
        DefaultMQProducer producer = producer();
        List<String> bodies = List.of("1", "2", "3", "4", "5");
        bodies.forEach(body -> send(producer, topic, "", body));
        for (Inbox inbox : List.of(one, two)) {
            inbox.await(5);
            assertEquals(bodies, inbox.bodies());
        }
    }

    private Inbox broadcast(String group, String topic, String expression) {
        return broadcast(group, topic, expression, consumer -> { });
    }

    private Inbox broadcast(String group, String topic, String expression, Consumer<DefaultMQPushConsumer> settings) {
        Inbox inbox = consume(group, consumer -> {
            consumer.setMessageModel(MessageModel.BROADCASTING);
            run(() -> consumer.subscribe(topic, expression));
            settings.accept(consumer);
        });
        await("queues of the broadcast consumer", () -> !inbox.consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl()
            .getProcessQueueTable().isEmpty());
        return inbox;
    }
}
