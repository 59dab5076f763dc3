package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.LongPredicate;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.body.QueryConsumeQueueResponseBody;
import org.apache.rocketmq.remoting.protocol.body.QueryCorrectionOffsetBody;
import org.apache.rocketmq.remoting.protocol.body.QueueTimeSpan;
import org.apache.rocketmq.remoting.protocol.header.CloneGroupOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.QueryCorrectionOffsetHeader;
import org.apache.rocketmq.remoting.protocol.header.ResetOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.UpdateConsumerOffsetRequestHeader;
import org.junit.jupiter.api.Test;

/** Offsets of groups and queues: asking for them, moving them. */
class OffsetAdminTest extends SuiteTest {

    private static final String RESET = "Offset reset";
    private static final String OFFSETS = "Offsets";

    @Test
    @Feature(area = RESET, name = "by time, while the group is connected")
    void aConnectedGroupGoesBackToATime() throws Exception {
        String topic = filled(topic(2), 3);
        String group = group();
        Inbox inbox = consume(group, topic, "*");
        inbox.await(6);
        awaitOffset(group, topic, offset -> offset == 3);
        Map<MessageQueue, Long> moved = admin.resetOffsetByTimestamp(topic, group, 0, true);
        assertEquals(Map.of(queue(topic, 0), 0L, queue(topic, 1), 0L), moved);
        wakeWaitingPulls(topic, 2);
        inbox.await(14);
        assertEquals(List.of("0-0", "0-0", "1-0", "1-0"),
            inbox.bodies().stream().filter(body -> body.endsWith("-0")).sorted().collect(Collectors.toList()));
        awaitOffset(group, topic, offset -> offset == 4);
    }

    @Test
    @Feature(area = RESET, name = "of one queue to an offset, while the group is connected")
    void aConnectedGroupGoesToAnOffsetInOneQueue() throws Exception {
        String topic = filled(topic(2), 4);
        String group = group();
        Inbox inbox = consume(group, topic, "*");
        inbox.await(8);
        awaitOffset(group, topic, offset -> offset == 4);
        admin.resetOffsetByQueueId(broker.address, group, topic, 0, 3);
        wakeWaitingPulls(topic, 2);
        inbox.await(11);
        assertEquals(2, inbox.bodies().stream().filter("0-3"::equals).count());
        assertEquals(1, inbox.bodies().stream().filter("1-3"::equals).count());
    }

    @Test
    @Feature(area = RESET, name = "by time, while nobody is connected")
    void anAbsentGroupContinuesFromTheTime() throws Exception {
        String topic = filled(topic(1), 3);
        String group = group();
        Inbox before = consume(group, topic, "*");
        before.await(3);
        before.consumer.shutdown();
        awaitOffset(group, topic, offset -> offset == 3);
        long between = timeAfterNow();
        filled(topic, 2);
        consume(group, topic, "*").await(2);

        String absent = group(config -> { });
        commit(absent, topic, 0, 1);
        assertEquals(Map.of(queue(topic, 0), 3L), admin.resetOffsetByTimestamp(topic, absent, between, true));
        assertEquals(3, offset(absent, topic));
        assertEquals(List.of("0-0", "0-1"), consume(absent, topic, "*").awaitBodies(2));
    }

    @Test
    @Feature(area = RESET, name = "skips what has accumulated")
    void aGroupSkipsWhatHasAccumulated() throws Exception {
        String topic = filled(topic(2), 5);
        String group = group(config -> { });
        assertEquals(Map.of(queue(topic, 0), 5L, queue(topic, 1), 5L), admin.resetOffsetByTimestamp(topic, group, -1, true));
        assertEquals(5, offset(group, topic));
    }

    @Test
    @Feature(area = RESET, name = "wins over commits until the group has seen it")
    void commitsAreIgnoredWhileAResetIsPending() throws Exception {
        String topic = filled(topic(1), 4);
        String group = group(config -> { });
        commit(group, topic, 0, 4);
        admin.resetOffsetByQueueId(broker.address, group, topic, 0, 2);
        RemotingCommand ignored = tryToCommit(group, topic, 0, 4);
        assertEquals(ResponseCode.SUCCESS, ignored.getCode());
        assertEquals("Offset has been previously reset", ignored.getRemark());
        assertEquals(2, offset(group, topic));
        PullResult moved = pull(group, topic, 4);
        assertEquals(PullStatus.OFFSET_ILLEGAL, moved.getPullStatus());
        assertEquals(2, moved.getNextBeginOffset());
        assertNull(tryToCommit(group, topic, 0, 4).getRemark());
        assertEquals(4, offset(group, topic));
    }

    @Test
    @Feature(area = RESET, name = "refuses unknown topics and groups and offsets that a queue does not have")
    void wrongResetsAreRefused() throws Exception {
        String topic = filled(topic(1), 2);
        String group = group(config -> { });
        ResetOffsetRequestHeader header = resetOf(topic, group);
        header.setQueueId(0);
        header.setOffset(9L);
        RemotingCommand beyond = request(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, header, null);
        assertEquals(ResponseCode.SYSTEM_ERROR, beyond.getCode());
        assertEquals("Target offset 9 not in consume queue range [0-2]", beyond.getRemark());
        RemotingCommand noTopic = request(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, resetOf("nothing", group), null);
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, noTopic.getCode());
        RemotingCommand noGroup = request(RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, resetOf(topic, unique("nobody")), null);
        assertEquals(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, noGroup.getCode());
    }

    @Test
    @Feature(area = RESET, name = "by the consumers (useServerSideResetOffset off), and their status")
    void consumersMoveWhenTheBrokerLeavesItToThem() throws Exception {
        String topic = filled(topic(1), 1);
        long between = timeAfterNow();
        filled(topic, 2);
        String group = group();
        Inbox inbox = consume(group, topic, "*");
        inbox.await(3);
        awaitOffset(group, topic, offset -> offset == 3);
        String clientId = inbox.consumer.buildMQClientId();
        assertEquals(Map.of(clientId, Map.of(queue(topic, 0), 3L)), admin.getConsumeStatus(topic, group, ""));
        setServerSideReset(false);
        try {
            assertEquals(Map.of(queue(topic, 0), 1L), admin.resetOffsetByTimestamp(topic, group, between, true));
            inbox.await(5); // the client pauses for 10 s
            String absentGroup = group(config -> { });
            commit(absentGroup, topic, 0, 1);
            MQClientException absent = assertThrows(MQClientException.class,
                () -> admin.resetOffsetByTimestamp(topic, absentGroup, between, true));
            assertEquals(ResponseCode.CONSUMER_NOT_ONLINE, absent.getResponseCode());
        } finally {
            setServerSideReset(true);
        }
    }

    @Test
    @Feature(area = OFFSETS, name = "cloned to another group")
    void anotherGroupStartsWhereThisOneIs() throws Exception {
        String topic = filled(topic(2), 3);
        String source = group(config -> { });
        String copy = group(config -> { });
        commit(source, topic, 0, 2);
        CloneGroupOffsetRequestHeader header = new CloneGroupOffsetRequestHeader();
        header.setSrcGroup(source);
        header.setDestGroup(copy);
        header.setTopic(topic);
        header.setOffline(true);
        assertEquals(ResponseCode.SUCCESS, request(RequestCode.CLONE_GROUP_OFFSET, header, null).getCode());
        assertEquals(2, offset(copy, topic));
        commit(source, topic, 0, 3);
        assertEquals(2, offset(copy, topic));
    }

    @Test
    @Feature(area = OFFSETS, name = "correction offset: the smallest of all groups")
    void theSmallestOffsetOfAllGroupsIsFound() throws Exception {
        String topic = filled(topic(2), 3);
        String slow = group(config -> { });
        String fast = group(config -> { });
        commit(slow, topic, 0, 1);
        commit(fast, topic, 0, 3);
        commit(fast, topic, 1, 2);
        QueryCorrectionOffsetHeader header = new QueryCorrectionOffsetHeader();
        header.setTopic(topic);
        header.setCompareGroup(fast);
        RemotingCommand response = request(RequestCode.QUERY_CORRECTION_OFFSET, header, null);
        assertEquals(Map.of(0, 1L, 1, 2L),
            QueryCorrectionOffsetBody.decode(response.getBody(), QueryCorrectionOffsetBody.class).getCorrectionOffsets());
    }

    @Test
    @Feature(area = OFFSETS, name = "found by time, lower and upper boundary")
    void offsetsAreFoundByTime() throws Exception {
        String topic = filled(topic(2), 2);
        long between = timeAfterNow();
        filled(topic, 3);
        MessageQueue queue = queue(topic, 0);
        assertEquals(0, admin.searchOffset(queue, 0));
        assertEquals(2, admin.searchLowerBoundaryOffset(queue, between));
        assertEquals(1, admin.searchUpperBoundaryOffset(queue, between));
        assertEquals(5, admin.searchLowerBoundaryOffset(queue, System.currentTimeMillis() + 60_000));
        assertEquals(4, admin.searchUpperBoundaryOffset(queue, System.currentTimeMillis() + 60_000));
        assertEquals(0, admin.searchOffset(queue(topic(1), 0), System.currentTimeMillis()));
    }

    @Test
    @Feature(area = OFFSETS, name = "minimum, maximum, time of the first message")
    void queuesHaveAMinimumAndAMaximum() throws Exception {
        String topic = topic(2);
        assertEquals(-1, admin.earliestMsgStoreTime(queue(topic, 0)));
        long before = System.currentTimeMillis();
        filled(topic, 3);
        assertEquals(0, admin.minOffset(queue(topic, 0)));
        assertEquals(3, admin.maxOffset(queue(topic, 0)));
        long stored = admin.earliestMsgStoreTime(queue(topic, 0));
        assertTrue(stored >= before - 1_000 && stored <= System.currentTimeMillis() + 1_000, () -> "stored at " + stored);
    }

    @Test
    @Feature(area = OFFSETS, name = "not found when zero is not wanted (setZeroIfNotFound)")
    void aGroupWithoutOffsetHasNone() throws Exception {
        String topic = filled(topic(1), 2);
        String group = group(config -> { });
        QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(0);
        RemotingCommand zero = request(RequestCode.QUERY_CONSUMER_OFFSET, header, null);
        assertEquals(ResponseCode.SUCCESS, zero.getCode());
        assertEquals("0", zero.getExtFields().get("offset"));
        header.setSetZeroIfNotFound(false);
        assertEquals(ResponseCode.QUERY_NOT_FOUND, request(RequestCode.QUERY_CONSUMER_OFFSET, header, null).getCode());
    }

    @Test
    @Feature(area = OFFSETS, name = "commits for unknown groups and topics are refused")
    void commitsNeedAGroupAndATopic() throws Exception {
        String topic = topic(1);
        assertEquals(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, tryToCommit(unique("nobody"), topic, 0, 1).getCode());
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, tryToCommit(group(config -> { }), unique("nothing"), 0, 1).getCode());
    }

    @Test
    @Feature(area = OFFSETS, name = "corrected when a consumer asks beyond the queue")
    void offsetsOutOfRangeAreCorrected() throws Exception {
        String topic = filled(topic(1), 3);
        PullResult beyond = pull(group(config -> { }), topic, 100);
        assertEquals(PullStatus.OFFSET_ILLEGAL, beyond.getPullStatus());
        assertEquals(3, beyond.getNextBeginOffset());
        assertEquals(List.of(0L, 3L), List.of(beyond.getMinOffset(), beyond.getMaxOffset()));
    }

    @Test
    @Feature(area = OFFSETS, name = "of all groups of a broker")
    void allOffsetsOfABrokerAreListed() throws Exception {
        String topic = filled(topic(1), 3);
        String group = group(config -> { });
        commit(group, topic, 0, 2);
        RemotingCommand response = request(RequestCode.GET_ALL_CONSUMER_OFFSET, null, null);
        // Apache leaves the quotes of number keys out, which its own parser refuses.
        String offsets = new String(response.getBody(), StandardCharsets.UTF_8).replace("\"", "");
        assertTrue(offsets.contains(topic + "@" + group + ":{0:2}"), offsets);
    }

    @Test
    @Feature(area = OFFSETS, name = "consume time span of a group")
    void theConsumeTimeSpanTellsTheDelay() throws Exception {
        String topic = filled(topic(1), 3);
        String group = group();
        Inbox inbox = consume(group, topic, "*");
        inbox.await(3);
        inbox.consumer.shutdown();
        awaitOffset(group, topic, offset -> offset == 3);
        QueueTimeSpan done = timeSpan(topic, group);
        assertEquals(0, done.getDelayTime());
        assertEquals(done.getMaxTimeStamp(), done.getConsumeTimeStamp());
        assertTrue(done.getMinTimeStamp() <= done.getMaxTimeStamp());
        filled(topic, 1);
        assertTrue(await("a delay", () -> timeSpan(topic, group), span -> span.getDelayTime() > 0).getDelayTime() < 60_000);
    }

    @Test
    @Feature(area = OFFSETS, name = "dump of a consume queue")
    void aConsumeQueueIsDumped() throws Exception {
        String topic = filled(topic(1), 4);
        QueryConsumeQueueResponseBody dump = admin.queryConsumeQueue(broker.address, topic, 0, 1, 2, null);
        assertEquals(List.of(0L, 4L), List.of(dump.getMinQueueIndex(), dump.getMaxQueueIndex()));
        assertEquals(2, dump.getQueueData().size());
        assertEquals("Tag".hashCode(), dump.getQueueData().get(0).getTagsCode());
        MQClientException unknown = assertThrows(MQClientException.class,
            () -> admin.queryConsumeQueue(broker.address, topic, 7, 0, 1, null));
        assertTrue(unknown.getMessage().contains("7@" + topic + " is not exist!"), unknown.getMessage());
    }

    // What the tests do

    /** Sends this many messages with bodies {@code queue-number} to every queue, and waits until the queues have them. */
    private String filled(String topic, int perQueue) throws Exception {
        DefaultMQProducer producer = producer();
        int queues = producer.fetchPublishMessageQueues(topic).size();
        for (int queueId = 0; queueId < queues; queueId++) {
            for (int i = 0; i < perQueue; i++) {
                byte[] body = (queueId + "-" + i).getBytes(StandardCharsets.UTF_8);
                SendResult sent = producer.send(new Message(topic, "Tag", body), queue(topic, queueId));
                await("the message in its queue", () -> admin.maxOffset(sent.getMessageQueue()) > sent.getQueueOffset());
            }
        }
        return topic;
    }

    /** Apache's broker answers a waiting pull of a group that was reset only when a message arrives. */
    private void wakeWaitingPulls(String topic, int queues) throws Exception {
        DefaultMQProducer producer = producer();
        for (int queueId = 0; queueId < queues; queueId++) {
            producer.send(new Message(topic, "wake".getBytes(StandardCharsets.UTF_8)), queue(topic, queueId));
        }
    }

    /** A time that is after all messages so far and before all later ones. */
    private static long timeAfterNow() throws InterruptedException {
        Thread.sleep(20);
        long time = System.currentTimeMillis();
        Thread.sleep(20);
        return time;
    }

    private static void commit(String group, String topic, int queueId, long offset) throws Exception {
        admin.updateConsumeOffset(broker.address, group, queue(topic, queueId), offset);
    }

    private static RemotingCommand tryToCommit(String group, String topic, int queueId, long offset) {
        UpdateConsumerOffsetRequestHeader header = new UpdateConsumerOffsetRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(queueId);
        header.setCommitOffset(offset);
        return request(RequestCode.UPDATE_CONSUMER_OFFSET, header, null);
    }

    /** Of queue 0. */
    private static long offset(String group, String topic) throws Exception {
        return admin.examineConsumeStats(broker.address, group, topic, 10_000).getOffsetTable().get(queue(topic, 0)).getConsumerOffset();
    }

    private static void awaitOffset(String group, String topic, LongPredicate wanted) {
        await("offset of " + group, () -> offset(group, topic), wanted::test);
    }

    private PullResult pull(String group, String topic, long offset) throws Exception {
        DefaultMQPullConsumer consumer = pullConsumer(group);
        return consumer.pull(queue(topic, 0), "*", offset, 10);
    }

    private static QueueTimeSpan timeSpan(String topic, String group) throws Exception {
        return admin.queryConsumeTimeSpan(topic, group).get(0);
    }

    private static ResetOffsetRequestHeader resetOf(String topic, String group) {
        ResetOffsetRequestHeader header = new ResetOffsetRequestHeader();
        header.setTopic(topic);
        header.setGroup(group);
        header.setTimestamp(0);
        header.setForce(true);
        return header;
    }

    private static void setServerSideReset(boolean on) throws Exception {
        Properties changes = new Properties();
        changes.setProperty("useServerSideResetOffset", String.valueOf(on));
        admin.updateBrokerConfig(broker.address, changes);
    }
}
