package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.constant.PermName;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.junit.jupiter.api.Test;

/** Retries and dead letters; a first retry comes after 1 s, at delay level 3. */
class RetryTest extends SuiteTest {

    private static final String AREA = "Retry and dead letters";

    @Test
    @Feature(area = AREA, name = "a failed message comes again, with its count and everything it had")
    void aFailedMessageComesAgain() throws Exception {
        String topic = topic();
        Inbox inbox = consumeFailing(group(), topic, -1, message -> message.getReconsumeTimes() < 2);
        Message message = new Message(topic, "TagA", "key", bytes("again"));
        message.putUserProperty("tenant", "a");
        SendResult sent = producer().send(message);
        inbox.await(3);
        assertEquals(List.of(0, 1, 2), inbox.each(MessageExt::getReconsumeTimes));
        for (MessageExt received : inbox.messages()) {
            assertEquals(topic, received.getTopic());
            assertEquals(sent.getMsgId(), received.getMsgId());
            assertEquals("TagA", received.getTags());
            assertEquals("key", received.getKeys());
            assertEquals("a", received.getUserProperty("tenant"));
            assertEquals("again", new String(received.getBody()));
        }
    }

    @Test
    @Feature(area = AREA, name = "the listener chooses the delay of the retry")
    void theListenerChoosesTheDelay() throws Exception {
        String topic = topic();
        Inbox inbox = new Inbox(null);
        consume(group(), consumer -> {
            run(() -> consumer.subscribe(topic, "*"));
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                inbox.add(messages);
                context.setDelayLevelWhenNextConsume(5);
                return messages.get(0).getReconsumeTimes() == 0
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        });
        send(producer(), topic, "", "m");
        long waited = inbox.await(2).get(1).getStoreTimestamp() - inbox.messages().get(0).getStoreTimestamp();
        assertTrue(waited >= 2_900, waited + " ms");
    }

    @Test
    @Feature(area = AREA, name = "after the last retry a message goes to the group's dead letter topic")
    void theLastRetryLeadsToTheDeadLetterTopic() throws Exception {
        String topic = topic();
        String group = group();
        Inbox inbox = consumeFailing(group, topic, 1, message -> true);
        SendResult sent = send(producer(), topic, "TagA", "poison");
        inbox.await(2);
        Inbox dead = consume(group(), MixAll.getDLQTopic(group), "*");
        MessageExt message = dead.await(1).get(0);
        assertEquals("poison", new String(message.getBody()));
        assertEquals(sent.getMsgId(), message.getMsgId());
        assertEquals(topic, message.getProperty(MessageConst.PROPERTY_RETRY_TOPIC));
        assertEquals(2, inbox.size());
        TopicConfig config = admin.examineTopicConfig(broker.address, MixAll.getDLQTopic(group));
        assertEquals(1, config.getWriteQueueNums());
        assertEquals(PermName.PERM_READ | PermName.PERM_WRITE, config.getPerm());
    }

    @Test
    @Feature(area = AREA, name = "no retries at all: straight to the dead letter topic")
    void withoutRetriesAMessageGoesStraightToTheDeadLetterTopic() {
        String topic = topic();
        String group = group();
        Inbox inbox = consumeFailing(group, topic, 0, message -> true);
        send(producer(), topic, "", "poison");
        inbox.await(1);
        consume(group(), MixAll.getDLQTopic(group), "*").await(1);
        assertEquals(1, inbox.size());
    }

    @Test
    @Feature(area = AREA, name = "a failed message delays no other")
    void aFailedMessageDelaysNoOther() {
        String topic = topic(1);
        Inbox inbox = consumeFailing(group(), topic, -1,
            message -> message.getReconsumeTimes() == 0 && "bad".equals(new String(message.getBody())));
        DefaultMQProducer producer = producer();
        for (String body : List.of("1", "bad", "2", "3")) {
            send(producer, topic, "", body);
        }
        inbox.await(5);
        assertEquals("bad", inbox.bodies().get(4));
        assertEquals(Set.of("1", "2", "3", "bad"), Set.copyOf(inbox.bodies().subList(0, 4)));
    }

    @Test
    @Feature(area = AREA, name = "retry topics belong to one group only, and their queues follow the group's settings")
    void retryTopicsBelongToOneGroup() throws Exception {
        String topic = topic();
        String failing = group(settings -> settings.setRetryQueueNums(2));
        Inbox other = consume(group(), topic, "*");
        Inbox inbox = consumeFailing(failing, topic, -1, message -> message.getReconsumeTimes() == 0);
        send(producer(), topic, "", "m");
        inbox.await(2);
        assertEquals(1, other.size());
        TopicConfig retry = admin.examineTopicConfig(broker.address, MixAll.getRetryTopic(failing));
        assertEquals(PermName.PERM_READ | PermName.PERM_WRITE, retry.getPerm());
        assertEquals(2, retry.getWriteQueueNums());
    }

    @Test
    @Feature(area = AREA, name = "a consumer may send a message back by itself")
    @SuppressWarnings("deprecation")
    void aConsumerSendsAMessageBack() throws Exception {
        String topic = topic();
        String group = group();
        Inbox inbox = consume(group, topic, "*");
        send(producer(), topic, "", "m");
        DefaultMQPushConsumer consumer = inbox.consumer;
        consumer.sendMessageBack(inbox.await(1).get(0), 1);
        assertEquals(1, inbox.await(2).get(1).getReconsumeTimes());
    }

    @Test
    @Feature(area = AREA, name = "a group that may not consume is refused with NO_PERMISSION")
    void aGroupThatMayNotConsume() {
        String topic = topic(1);
        send(producer(), topic, "", "m");
        String group = group(settings -> settings.setConsumeEnable(false));
        int code = refusal(() -> pullConsumer(group).pull(queue(topic, 0), "*", 0, 1));
        assertEquals(ResponseCode.NO_PERMISSION, code);
    }

    /** Fails the messages that the condition holds for. */
    private Inbox consumeFailing(String group, String topic, int maxReconsumeTimes, Predicate<MessageExt> fails) {
        Inbox inbox = new Inbox(null);
        consume(group, consumer -> {
            consumer.setMaxReconsumeTimes(maxReconsumeTimes);
            run(() -> consumer.subscribe(topic, "*"));
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                inbox.add(messages);
                return messages.stream().anyMatch(fails)
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        });
        return inbox;
    }
}
