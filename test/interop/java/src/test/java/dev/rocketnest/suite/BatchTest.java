package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.hook.SendMessageContext;
import org.apache.rocketmq.client.hook.SendMessageHook;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.Test;

/** What Apache's own BatchSendIT exercises. */
@SuppressWarnings("deprecation") // the pull consumer shows single pulls
class BatchTest extends SuiteTest {

    private static final String AREA = "Batches";
    private static final int BATCHES = 3;
    private static final int SIZE = 10;

    private static String batchTopic() {
        TopicConfig config = new TopicConfig(unique("T"), 2, 2);
        config.setAttributes(Map.of("+queue.type", "BatchCQ"));
        return topic(config);
    }

    private static List<Message> batch(String topic, int number) {
        return IntStream.range(0, SIZE).mapToObj(i -> new Message(topic, "Tag" + i % 2, bytes(number + "-" + i))).collect(Collectors.toList());
    }

    private static List<Long> offsets(PullResult pulled) {
        return pulled.getMsgFoundList().stream().map(MessageExt::getQueueOffset).collect(Collectors.toList());
    }

    private static List<Long> from(long first, long end) {
        return LongStream.range(first, end).boxed().collect(Collectors.toList());
    }

    /** A producer that does not name its batches, as clients before 5.0. */
    private DefaultMQProducer oldProducer() {
        DefaultMQProducer producer = producer();
        producer.getDefaultMQProducerImpl().registerSendMessageHook(new SendMessageHook() {
            @Override
            public String hookName() {
                return "old";
            }

            @Override
            public void sendMessageBefore(SendMessageContext context) {
                context.getMessage().getProperties().remove("UNIQ_KEY");
            }

            @Override
            public void sendMessageAfter(SendMessageContext context) {
            }
        });
        return producer;
    }

    @Test
    @Feature(area = AREA, name = "batches in a BatchCQ topic: one id each, offsets of every message")
    void batchesStayTogetherInABatchTopic() throws Exception {
        String topic = batchTopic();
        DefaultMQProducer producer = producer();
        for (int i = 0; i < BATCHES; i++) {
            SendResult sent = producer.send(batch(topic, i), queue(topic, 1));
            assertEquals(SendStatus.SEND_OK, sent.getSendStatus());
            assertEquals(1, sent.getMessageQueue().getQueueId());
            assertEquals((long) i * SIZE, sent.getQueueOffset());
            assertEquals(1, sent.getMsgId().split(",").length);
        }
        PullResult pulled = pullConsumer(group()).pullBlockIfNotFound(queue(topic, 1), "*", 5, 32);
        assertEquals(PullStatus.FOUND, pulled.getPullStatus());
        assertEquals(0, pulled.getMinOffset());
        assertEquals(BATCHES * SIZE, pulled.getMaxOffset());
        assertEquals(from(0, BATCHES * SIZE), offsets(pulled));
        for (int i = 0; i < BATCHES * SIZE; i++) {
            MessageExt first = pulled.getMsgFoundList().get(i - i % SIZE);
            MessageExt message = pulled.getMsgFoundList().get(i);
            assertEquals(i / SIZE + "-" + i % SIZE, new String(message.getBody()));
            assertEquals("Tag" + i % SIZE % 2, message.getTags());
            assertEquals(topic, message.getTopic());
            assertEquals(1, message.getQueueId());
            assertEquals(first.getBornTimestamp(), message.getBornTimestamp());
            assertEquals(first.getStoreTimestamp(), message.getStoreTimestamp());
            assertEquals(first.getBornHostString(), message.getBornHostString());
        }
    }

    @Test
    @Feature(area = AREA, name = "batches of old clients in a BatchCQ topic are single messages")
    void oldBatchesAreSingleMessages() throws Exception {
        String topic = batchTopic();
        SendResult sent = oldProducer().send(batch(topic, 0), queue(topic, 0));
        assertEquals(SIZE, sent.getMsgId().split(",").length);
        assertEquals(SIZE, sent.getOffsetMsgId().split(",").length);
        PullResult pulled = pullConsumer(group()).pullBlockIfNotFound(queue(topic, 0), "*", 4, 32);
        assertEquals(from(4, SIZE), offsets(pulled));
    }

    @Test
    @Feature(area = AREA, name = "batches in an ordinary topic: an id and an offset for every message")
    void batchesInAnOrdinaryTopicAreSingleMessages() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        for (int i = 0; i < BATCHES; i++) {
            SendResult sent = producer.send(batch(topic, i), queue(topic, 0));
            assertEquals((long) i * SIZE, sent.getQueueOffset());
            assertEquals(SIZE, sent.getMsgId().split(",").length);
        }
        DefaultMQPullConsumer consumer = pullConsumer(group());
        PullResult pulled = consumer.pullBlockIfNotFound(queue(topic, 0), "*", 5, 32);
        assertEquals(from(5, BATCHES * SIZE), offsets(pulled));
        assertEquals(BATCHES * SIZE / 2, consumer.pull(queue(topic, 0), "Tag1", 0, 32).getMsgFoundList().size());
    }

    @Test
    @Feature(area = AREA, name = "every message of a batch keeps its keys, tags, flag and properties")
    void messagesKeepTheirProperties() throws Exception {
        Message message = new Message(topic(1), "tags123", "keys123", 123, bytes("body"), false);
        message.setBuyerId("buyer123");
        SendResult sent = producer().send(List.of(message));
        for (String id : List.of(sent.getOffsetMsgId(), sent.getMsgId())) {
            MessageExt found = await("message " + id, () -> admin.viewMessage(message.getTopic(), id), got -> got != null);
            assertEquals("keys123", found.getKeys());
            assertEquals("tags123", found.getTags());
            assertEquals("buyer123", found.getBuyerId());
            assertEquals(123, found.getFlag());
            assertEquals(false, found.isWaitStoreMsgOK());
        }
    }

    @Test
    @Feature(area = AREA, name = "a consumer of a BatchCQ topic goes on after a restart of the broker")
    void consumptionGoesOnAfterARestart() throws Exception {
        String topic = batchTopic();
        DefaultMQProducer producer = producer();
        producer.send(batch(topic, 0), queue(topic, 0));
        Inbox inbox = consume(group(), topic, "*");
        inbox.await(SIZE);
        broker.killAndRestart();
        await("another batch is accepted", () -> producer.send(batch(topic, 1), queue(topic, 0)).getQueueOffset() >= SIZE);
        List<Long> offsets = await("the second batch", () ->
            inbox.each(MessageExt::getQueueOffset).stream().distinct().sorted().collect(Collectors.toList()), all -> all.size() >= 2 * SIZE);
        assertEquals(from(0, 2 * SIZE), offsets.subList(0, 2 * SIZE));
    }
}
