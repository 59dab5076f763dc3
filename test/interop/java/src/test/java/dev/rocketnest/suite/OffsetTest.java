package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetResponseHeader;
import org.apache.rocketmq.remoting.protocol.header.UpdateConsumerOffsetRequestHeader;
import org.junit.jupiter.api.Test;

class OffsetTest extends SuiteTest {

    private static final String AREA = "Offsets";

    @Test
    @Feature(area = AREA, name = "first and last offset of a queue, store time of its first message")
    void boundsOfAQueue() throws Exception {
        String topic = topic(2);
        assertEquals(0, admin.minOffset(queue(topic, 0)));
        assertEquals(0, admin.maxOffset(queue(topic, 0)));
        assertEquals(-1, admin.earliestMsgStoreTime(queue(topic, 0)));
        long before = System.currentTimeMillis();
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 3; i++) {
            producer.send(new Message(topic, bytes("m")), queue(topic, 0));
        }
        await("three messages", () -> admin.maxOffset(queue(topic, 0)) == 3);
        assertEquals(0, admin.minOffset(queue(topic, 0)));
        assertEquals(0, admin.maxOffset(queue(topic, 1)));
        long earliest = admin.earliestMsgStoreTime(queue(topic, 0));
        assertTrue(earliest >= before - 1_000 && earliest <= System.currentTimeMillis(), Long.toString(earliest));
    }

    @Test
    @Feature(area = AREA, name = "offset for a time, lower and upper boundary")
    void theOffsetForATime() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 3; i++) {
            long next = System.currentTimeMillis() + 20;
            await("another millisecond", () -> System.currentTimeMillis() > next);
            send(producer, topic, "", Integer.toString(i));
        }
        List<MessageExt> messages = await("three messages",
            () -> pullConsumer(group()).pull(queue(topic, 0), "*", 0, 32).getMsgFoundList(),
            found -> found != null && found.size() == 3);
        long second = messages.get(1).getStoreTimestamp();
        assertEquals(0, admin.searchOffset(queue(topic, 0), 0));
        assertEquals(1, admin.searchOffset(queue(topic, 0), second));
        assertEquals(1, admin.searchOffset(queue(topic, 0), second - 1));
        assertEquals(2, admin.searchOffset(queue(topic, 0), second + 1));
        assertEquals(1, admin.searchLowerBoundaryOffset(queue(topic, 0), second));
        assertEquals(1, admin.searchUpperBoundaryOffset(queue(topic, 0), second));
        assertEquals(1, admin.searchUpperBoundaryOffset(queue(topic, 0), second + 1));
        assertEquals(3, admin.searchOffset(queue(topic, 0), System.currentTimeMillis() + 1_000));
    }

    @Test
    @Feature(area = AREA, name = "a group without an offset: 0, or not found when asked so (setZeroIfNotFound)")
    void aGroupWithoutAnOffset() throws Exception {
        String topic = topic(1);
        send(producer(), topic, "", "m");
        String group = group();
        RemotingCommand zero = queryOffset(group, topic, null);
        assertEquals(ResponseCode.SUCCESS, zero.getCode(), zero.getRemark());
        assertEquals(0, offsetOf(zero));
        assertEquals(ResponseCode.SUCCESS, queryOffset(group, topic, true).getCode());
        assertEquals(ResponseCode.QUERY_NOT_FOUND, queryOffset(group, topic, false).getCode());
    }

    @Test
    @Feature(area = AREA, name = "offsets are stored and read")
    void offsetsAreStoredAndRead() throws Exception {
        String topic = topic(1);
        String group = group(settings -> { });
        UpdateConsumerOffsetRequestHeader header = new UpdateConsumerOffsetRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(0);
        header.setCommitOffset(7L);
        RemotingCommand answer = request(RequestCode.UPDATE_CONSUMER_OFFSET, header, null);
        assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
        assertEquals(7, offsetOf(queryOffset(group, topic, false)));
        admin.updateConsumeOffset(broker.address, group, queue(topic, 0), 3);
        assertEquals(3, offsetOf(queryOffset(group, topic, false)));
        header.setTopic(unique("T-unknown"));
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, request(RequestCode.UPDATE_CONSUMER_OFFSET, header, null).getCode());
        header.setConsumerGroup(group());
        assertEquals(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
            request(RequestCode.UPDATE_CONSUMER_OFFSET, header, null).getCode());
    }

    @Test
    @Feature(area = AREA, name = "consume progress and lag of a group")
    void theLagOfAGroup() throws Exception {
        String topic = topic(2);
        String group = group();
        DefaultMQProducer producer = producer();
        Inbox inbox = consume(group, topic, "*");
        for (int i = 0; i < 6; i++) {
            producer.send(new Message(topic, bytes("m" + i)), queue(topic, i % 2));
        }
        inbox.await(6);
        inbox.consumer.shutdown(); // stores its offsets
        await("no lag", () -> lag(group, topic) == 0);
        for (int i = 0; i < 4; i++) {
            producer.send(new Message(topic, bytes("later" + i)), queue(topic, 0));
        }
        await("a lag of 4", () -> lag(group, topic) == 4);
        OffsetWrapper offsets = admin.examineConsumeStats(group, topic).getOffsetTable().get(queue(topic, 0));
        assertEquals(7, offsets.getBrokerOffset());
        assertEquals(3, offsets.getConsumerOffset());
        assertTrue(offsets.getLastTimestamp() > 0);
    }

    private static long lag(String group, String topic) throws Exception {
        ConsumeStats stats = admin.examineConsumeStats(group, topic);
        return stats.getOffsetTable().isEmpty() ? -1 : stats.computeTotalDiff();
    }

    private static RemotingCommand queryOffset(String group, String topic, Boolean setZeroIfNotFound) {
        QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(0);
        header.setSetZeroIfNotFound(setZeroIfNotFound);
        return request(RequestCode.QUERY_CONSUMER_OFFSET, header, null);
    }

    private static long offsetOf(RemotingCommand answer) throws Exception {
        QueryConsumerOffsetResponseHeader fields = (QueryConsumerOffsetResponseHeader)
            answer.decodeCommandCustomHeader(QueryConsumerOffsetResponseHeader.class);
        return fields.getOffset();
    }
}
