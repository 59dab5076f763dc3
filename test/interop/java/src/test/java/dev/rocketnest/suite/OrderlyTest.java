package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.body.LockBatchRequestBody;
import org.apache.rocketmq.remoting.protocol.body.LockBatchResponseBody;
import org.apache.rocketmq.remoting.protocol.body.UnlockBatchRequestBody;
import org.junit.jupiter.api.Test;

class OrderlyTest extends SuiteTest {

    private static final String AREA = "Consuming in order";

    @Test
    @Feature(area = AREA, name = "messages of a sharding key are consumed in order")
    void messagesOfAKeyAreConsumedInOrder() throws Exception {
        String topic = topic(4);
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 60; i++) {
            Message message = new Message(topic, "Tag" + i % 2, bytes(Integer.toString(i)));
            producer.send(message, new SelectMessageQueueByHash(), "order-" + i % 6);
        }
        Inbox inbox = consumeOrderly(group(), topic, "*");
        assertInOrder(inbox, 60);

        Inbox tagged = consumeOrderly(group(), topic, "Tag1");
        assertInOrder(tagged, 30);
    }

    @Test
    @Feature(area = AREA, name = "a failed message comes again before the next one")
    void aFailedMessageComesAgainFirst() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        for (String body : List.of("1", "2", "3")) {
            send(producer, topic, "", body);
        }
        Inbox inbox = new Inbox(null);
        consume(group(), consumer -> {
            run(() -> consumer.subscribe(topic, "*"));
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                inbox.add(messages);
                context.setSuspendCurrentQueueTimeMillis(100);
                return messages.get(0).getReconsumeTimes() == 0 && inbox.size() % 2 == 1
                    ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
            });
        });
        inbox.await(6);
        assertEquals(List.of("1", "1", "2", "2", "3", "3"), inbox.bodies());
    }

    @Test
    @Feature(area = AREA, name = "after the last attempt a message goes to the dead letter topic")
    void afterTheLastAttemptTheNextOneFollows() {
        String topic = topic(1);
        String group = group();
        DefaultMQProducer producer = producer();
        send(producer, topic, "", "bad");
        send(producer, topic, "", "good");
        Inbox inbox = new Inbox(null);
        consume(group, consumer -> {
            run(() -> consumer.subscribe(topic, "*"));
            consumer.setMaxReconsumeTimes(2);
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                inbox.add(messages);
                context.setSuspendCurrentQueueTimeMillis(50);
                return "bad".equals(new String(messages.get(0).getBody()))
                    ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
            });
        });
        Inbox dead = consume(group(), MixAll.getDLQTopic(group), "*");
        dead.await(1);
        await("the next message", () -> inbox.bodies().contains("good"));
        assertEquals(List.of("bad", "bad", "bad", "good"), inbox.bodies());
    }

    @Test
    @Feature(area = AREA, name = "the order holds while consumers join and leave the group")
    void theOrderHoldsWhileConsumersJoinAndLeave() throws Exception {
        String topic = topic(4);
        String group = group();
        DefaultMQProducer producer = producer();
        Inbox first = consumeOrderly(group, topic, "*");
        sendNumbered(producer, topic, 0, 20);
        first.await(20);
        Inbox second = consumeOrderly(group, topic, "*");
        sendNumbered(producer, topic, 20, 200);
        await("200 messages", () -> first.size() + second.size() >= 200);
        await("messages at the second consumer", () -> {
            sendNumbered(producer, topic, 200, 204);
            return second.size() > 0;
        });
        first.consumer.shutdown();
        sendNumbered(producer, topic, 300, 340);
        Set<String> last = new HashSet<>();
        for (int i = 300; i < 340; i++) {
            last.add(Integer.toString(i));
        }
        await("the last messages at the second consumer", () -> second.bodies().containsAll(last));
        List<MessageExt> late = second.messages().stream()
            .filter(message -> last.contains(new String(message.getBody()))).collect(Collectors.toList());
        assertQueuesInOrder(late);
    }

    @Test
    @Feature(area = AREA, name = "queue locks: one client of a group at a time, freed by unlock")
    void queueLocks() throws Exception {
        String topic = topic(2);
        String group = group();
        assertEquals(2, lock(group, "one", topic).size());
        assertEquals(2, lock(group, "one", topic).size());
        assertEquals(0, lock(group, "two", topic).size());
        assertEquals(2, lock(group(), "two", topic).size());
        UnlockBatchRequestBody unlock = new UnlockBatchRequestBody();
        unlock.setConsumerGroup(group);
        unlock.setClientId("one");
        unlock.setMqSet(Set.of(queue(topic, 0)));
        assertEquals(ResponseCode.SUCCESS, request(RequestCode.UNLOCK_BATCH_MQ, null, unlock.encode()).getCode());
        assertEquals(Set.of(queue(topic, 0)), lock(group, "two", topic));
    }

    private static Set<MessageQueue> lock(String group, String clientId, String topic) {
        LockBatchRequestBody body = new LockBatchRequestBody();
        body.setConsumerGroup(group);
        body.setClientId(clientId);
        body.setMqSet(Set.of(queue(topic, 0), queue(topic, 1)));
        RemotingCommand answer = request(RequestCode.LOCK_BATCH_MQ, null, body.encode());
        assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
        return RemotingSerializable.decode(answer.getBody(), LockBatchResponseBody.class).getLockOKMQSet();
    }

    private Inbox consumeOrderly(String group, String topic, String expression) {
        Inbox[] inbox = new Inbox[1];
        Inbox made = consume(group, consumer -> {
            inbox[0] = new Inbox(consumer);
            run(() -> consumer.subscribe(topic, expression));
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                inbox[0].add(messages);
                return ConsumeOrderlyStatus.SUCCESS;
            });
        });
        assertEquals(made.consumer, inbox[0].consumer);
        return inbox[0];
    }

    private static void sendNumbered(DefaultMQProducer producer, String topic, int from, int to) throws Exception {
        for (int i = from; i < to; i++) {
            producer.send(new Message(topic, bytes(Integer.toString(i))), queue(topic, i % 4));
        }
    }

    private static void assertInOrder(Inbox inbox, int count) {
        assertEquals(count, Set.copyOf(inbox.await(count).stream().map(MessageExt::getMsgId).collect(Collectors.toList()))
            .size());
        assertQueuesInOrder(inbox.messages());
    }

    private static void assertQueuesInOrder(List<MessageExt> messages) {
        Map<Integer, List<Long>> offsets = messages.stream().collect(Collectors.groupingBy(MessageExt::getQueueId,
            Collectors.mapping(MessageExt::getQueueOffset, Collectors.toList())));
        offsets.forEach((queueId, inQueue) -> {
            List<Long> sorted = new ArrayList<>(inQueue);
            sorted.sort(null);
            assertEquals(sorted, inQueue, "queue " + queueId);
        });
        assertTrue(!messages.isEmpty());
    }
}
