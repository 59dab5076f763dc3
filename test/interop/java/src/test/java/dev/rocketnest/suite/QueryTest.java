package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.SuiteTest;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageId;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.ViewMessageRequestHeader;
import org.junit.jupiter.api.Test;

class QueryTest extends SuiteTest {

    private static final String AREA = "Finding messages";
    private static final long DAY = 24 * 3_600_000L;

    @Test
    @Feature(area = AREA, name = "by offset id")
    void byOffsetId() throws Exception {
        String topic = topic();
        SendResult sent = send(producer(), topic, "TagA", "find me");
        MessageId id = MessageDecoder.decodeMessageId(sent.getOffsetMsgId());
        assertEquals(broker.address, "127.0.0.1:" + ((InetSocketAddress) id.getAddress()).getPort());
        MessageExt found = admin.viewMessage(topic, sent.getOffsetMsgId());
        assertEquals("find me", new String(found.getBody()));
        assertEquals(sent.getOffsetMsgId(), ((MessageClientExt) found).getOffsetMsgId());
        assertEquals(sent.getQueueOffset(), found.getQueueOffset());
    }

    @Test
    @Feature(area = AREA, name = "a wrong id finds nothing, and says so")
    void aWrongIdFindsNothing() throws Exception {
        String topic = topic();
        assertThrows(Exception.class, () -> admin.viewMessage(topic, "no id"));
        ViewMessageRequestHeader header = new ViewMessageRequestHeader();
        header.setTopic(topic);
        header.setOffset(1L << 50);
        assertEquals(ResponseCode.SYSTEM_ERROR, request(RequestCode.VIEW_MESSAGE_BY_ID, header, null).getCode());
    }

    @Test
    @Feature(area = AREA, name = "by key")
    void byKey() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 20; i++) {
            producer.send(new Message(topic, "TagA", i % 2 == 0 ? "even number" + i : "odd number" + i, bytes("m" + i)));
        }
        assertEquals(List.of("m7"), find(topic, "number7", 32, 1));
        assertEquals(10, find(topic, "even", 32, 10).size());
        assertEquals(4, find(topic, "even", 4, 4).size());
    }

    @Test
    @Feature(area = AREA, name = "by key: topics do not see each other's keys, unknown keys find nothing")
    void anUnknownKeyFindsNothing() throws Exception {
        String topic = topic();
        String other = topic();
        producer().send(new Message(topic, "", "secret", bytes("m")));
        find(topic, "secret", 32, 1);
        for (String wrong : List.of(other, topic)) {
            MQClientException error = assertThrows(MQClientException.class, () -> admin.queryMessage(wrong,
                wrong.equals(other) ? "secret" : "unknown", 32, 0, System.currentTimeMillis() + DAY));
            assertEquals(ResponseCode.NO_MESSAGE, error.getResponseCode());
        }
    }

    @Test
    @Feature(area = AREA, name = "by key within a time range")
    void byKeyWithinATimeRange() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        producer.send(new Message(topic, "", "key", bytes("early")));
        find(topic, "key", 32, 1);
        long stored = admin.queryMessage(topic, "key", 32, 0, System.currentTimeMillis() + DAY)
            .getMessageList().get(0).getStoreTimestamp();
        await("a later second", () -> System.currentTimeMillis() > stored + 2_000);
        producer.send(new Message(topic, "", "key", bytes("late")));
        find(topic, "key", 32, 2);
        QueryResult early = admin.queryMessage(topic, "key", 32, stored - 1_000, stored + 900);
        assertEquals(List.of("early"), bodies(early.getMessageList()));
        QueryResult late = admin.queryMessage(topic, "key", 32, stored + 1_100, System.currentTimeMillis() + DAY);
        assertEquals(List.of("late"), bodies(late.getMessageList()));
    }

    @Test
    @Feature(area = AREA, name = "by unique key, the id that the client gave")
    void byUniqueKey() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        SendResult sent = send(producer, topic, "", "unique");
        send(producer, topic, "", "other");
        MessageExt found = await("the message", () -> admin.queryMessage(cluster.name, topic, sent.getMsgId()),
            message -> message != null);
        assertEquals("unique", new String(found.getBody()));
        QueryResult result = admin.queryMessageByUniqKey(cluster.name, topic, sent.getMsgId(), 32, 0,
            System.currentTimeMillis() + DAY);
        assertEquals(List.of("unique"), bodies(result.getMessageList()));
        assertTrue(result.getIndexLastUpdateTimestamp() > 0);
    }

    @Test
    @Feature(area = AREA, name = "by queue and offset (queryMsgByOffset)")
    void byQueueAndOffset() {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        send(producer, topic, "", "zero");
        send(producer, topic, "", "one");
        String printed = mqadmin("queryMsgByOffset", "-t", topic, "-b", broker.name, "-i", "0", "-o", "1");
        assertTrue(printed.contains("Queue Offset:        1"), printed);
    }

    /** Waits until that many are found: an index may be a moment behind its messages. */
    private static List<String> find(String topic, String key, int limit, int count) {
        return await(count + " messages with key " + key, () -> bodies(
            admin.queryMessage(topic, key, limit, 0, System.currentTimeMillis() + DAY).getMessageList()),
            found -> found.size() == count);
    }

    private static List<String> bodies(List<MessageExt> messages) {
        return messages.stream().map(message -> new String(message.getBody())).sorted().collect(Collectors.toList());
    }
}
