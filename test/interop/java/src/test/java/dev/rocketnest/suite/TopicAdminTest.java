package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.admin.TopicStatsTable;
import org.apache.rocketmq.remoting.protocol.body.TopicConfigSerializeWrapper;
import org.apache.rocketmq.remoting.protocol.body.TopicList;
import org.apache.rocketmq.remoting.protocol.header.GetAllTopicConfigRequestHeader;
import org.apache.rocketmq.remoting.protocol.route.QueueData;
import org.junit.jupiter.api.Test;

/** Topics: creating, changing, listing and deleting them. */
class TopicAdminTest extends SuiteTest {

    @Test
    @Feature(area = "Topics", name = "create and read back")
    void aTopicIsWhatItWasCreatedAs() throws Exception {
        TopicConfig config = new TopicConfig(unique("T"), 3, 5, 6);
        config.setOrder(true);
        config.setTopicSysFlag(1);
        config.setAttributes(new HashMap<>(Map.of("+message.type", "FIFO")));
        String topic = topic(config);
        TopicConfig found = admin.examineTopicConfig(broker.address, topic);
        assertEquals(3, found.getReadQueueNums());
        assertEquals(5, found.getWriteQueueNums());
        assertEquals(6, found.getPerm());
        assertTrue(found.isOrder());
        assertEquals(1, found.getTopicSysFlag());
        assertEquals(Map.of("message.type", "FIFO"), found.getAttributes());
    }

    @Test
    @Feature(area = "Topics", name = "change queues and permission")
    void aChangedTopicShowsInItsRoute() throws Exception {
        String topic = topic(2);
        admin.createAndUpdateTopicConfig(broker.address, new TopicConfig(topic, 6, 4, 4));
        QueueData queues = await("route", () -> route(topic), data -> data.getReadQueueNums() == 6);
        assertEquals(4, queues.getWriteQueueNums());
        assertEquals(4, queues.getPerm());
        admin.createAndUpdateTopicConfig(broker.address, new TopicConfig(topic, 1, 1, 6));
        await("route", () -> route(topic), data -> data.getReadQueueNums() == 1 && data.getPerm() == 6);
    }

    private QueueData route(String topic) throws Exception {
        return admin.examineTopicRouteInfo(topic).getQueueDatas().get(0);
    }

    @Test
    @Feature(area = "Topics", name = "attributes")
    void attributesAreAddedChangedAndRemoved() throws Exception {
        String topic = topic();
        attributes(topic, Map.of("+message.type", "NORMAL"));
        assertEquals("NORMAL", admin.examineTopicConfig(broker.address, topic).getAttributes().get("message.type"));
        attributes(topic, Map.of("+message.type", "DELAY"));
        assertEquals("DELAY", admin.examineTopicConfig(broker.address, topic).getAttributes().get("message.type"));
        attributes(topic, Map.of("-message.type", ""));
        assertTrue(admin.examineTopicConfig(broker.address, topic).getAttributes().isEmpty());
    }

    @Test
    @Feature(area = "Topics", name = "wrong attributes are refused")
    void wrongAttributesAreRefused() {
        String topic = topic();
        for (Map<String, String> wrong : List.of(Map.of("+no.such", "1"), Map.of("+message.type", "NONSENSE"),
            Map.of("-message.type", ""), Map.of("+queue.type", "BatchCQ"))) {
            assertEquals(ResponseCode.SYSTEM_ERROR, refusal(() -> attributes(topic, wrong)), wrong.toString());
        }
        assertEquals(ResponseCode.INVALID_PARAMETER, refusal(() -> attributes(topic, Map.of("+message.type", "MIXED"))));
    }

    private void attributes(String topic, Map<String, String> changes) throws Exception {
        TopicConfig config = new TopicConfig(topic, 4, 4);
        config.setAttributes(new HashMap<>(changes));
        admin.createAndUpdateTopicConfig(broker.address, config);
    }

    @Test
    @Feature(area = "Topics", name = "system topics are protected")
    void systemTopicsCannotBeChangedOrDeleted() {
        for (String topic : List.of("SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "TBW102", "rmq_sys_mine",
            broker.name, cluster.name)) {
            assertEquals(ResponseCode.INVALID_PARAMETER, refusal(() ->
                admin.createAndUpdateTopicConfig(broker.address, new TopicConfig(topic, 1, 1))), topic);
            assertEquals(ResponseCode.INVALID_PARAMETER, refusal(() ->
                admin.deleteTopicInBroker(Set.of(broker.address), topic)), topic);
        }
    }

    @Test
    @Feature(area = "Topics", name = "names are checked")
    void impossibleNamesAreRefused() {
        for (String topic : List.of("with space", "ünicode", "a".repeat(128))) {
            assertEquals(ResponseCode.INVALID_PARAMETER, refusal(() ->
                admin.createAndUpdateTopicConfig(broker.address, new TopicConfig(topic, 1, 1))), topic);
        }
    }

    @Test
    @Feature(area = "Topics", name = "several at once")
    void aListOfTopicsIsCreatedAtOnce() throws Exception {
        List<TopicConfig> configs = new ArrayList<>();
        for (int queues = 1; queues <= 3; queues++) {
            configs.add(new TopicConfig(unique("T"), queues, queues));
        }
        admin.createAndUpdateTopicConfigList(broker.address, configs);
        for (TopicConfig config : configs) {
            assertEquals(config.getReadQueueNums(),
                admin.examineTopicConfig(broker.address, config.getTopicName()).getReadQueueNums());
            await("route", () -> route(config.getTopicName()), data -> data.getReadQueueNums() == config.getReadQueueNums());
        }
        List<TopicConfig> wrong = List.of(new TopicConfig(unique("T"), 1, 1), new TopicConfig("TBW102", 1, 1));
        assertEquals(ResponseCode.INVALID_PARAMETER, refusal(() ->
            admin.createAndUpdateTopicConfigList(broker.address, wrong)));
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, refusal(() ->
            admin.examineTopicStats(broker.address, wrong.get(0).getTopicName())));
    }

    @Test
    @Feature(area = "Topics", name = "data version")
    void onlyChangesMakeANewVersion() throws Exception {
        String topic = topic();
        long version = version();
        admin.createAndUpdateTopicConfig(broker.address, new TopicConfig(topic, 4, 4));
        assertEquals(version, version());
        admin.createAndUpdateTopicConfig(broker.address, new TopicConfig(topic, 5, 5));
        assertTrue(version() > version);
    }

    private long version() throws Exception {
        return admin.getAllTopicConfig(broker.address, 5_000).getDataVersion().getCounter().get();
    }

    @Test
    @Feature(area = "Topics", name = "listed in pages")
    void topicsAreListedInPages() throws Exception {
        topic();
        Set<String> all = admin.getAllTopicConfig(broker.address, 5_000).getTopicConfigTable().keySet();
        Set<String> seen = new HashSet<>();
        String dataVersion = null;
        int total = 1;
        for (int from = 0; from < total; from += 5) {
            GetAllTopicConfigRequestHeader header = new GetAllTopicConfigRequestHeader();
            header.setTopicSeq(from);
            header.setMaxTopicNum(5);
            header.setDataVersion(dataVersion);
            RemotingCommand page = request(RequestCode.GET_ALL_TOPIC_CONFIG, header, null);
            assertEquals(ResponseCode.SUCCESS, page.getCode(), page.getRemark());
            total = Integer.parseInt(page.getExtFields().get("totalTopicNum"));
            TopicConfigSerializeWrapper topics =
                TopicConfigSerializeWrapper.decode(page.getBody(), TopicConfigSerializeWrapper.class);
            assertEquals(Math.min(5, total - from), topics.getTopicConfigTable().size());
            seen.addAll(topics.getTopicConfigTable().keySet());
            dataVersion = topics.getDataVersion().toJson();
        }
        assertEquals(all, seen);
        assertEquals(all.size(), total);
        // A version that is no more starts over.
        GetAllTopicConfigRequestHeader header = new GetAllTopicConfigRequestHeader();
        header.setTopicSeq(total - 1);
        header.setMaxTopicNum(2);
        header.setDataVersion("{\"counter\":1,\"stateVersion\":0,\"timestamp\":1}");
        RemotingCommand again = request(RequestCode.GET_ALL_TOPIC_CONFIG, header, null);
        assertEquals(2, TopicConfigSerializeWrapper.decode(again.getBody(), TopicConfigSerializeWrapper.class)
            .getTopicConfigTable().size());
    }

    @Test
    @Feature(area = "Topics", name = "statistics list empty queues")
    void statisticsListEmptyQueuesToo() throws Exception {
        String topic = topic(new TopicConfig(unique("T"), 2, 4));
        DefaultMQProducer producer = producer();
        long before = System.currentTimeMillis();
        producer.send(new Message(topic, bytes("one")), queue(topic, 1));
        TopicStatsTable stats = admin.examineTopicStats(broker.address, topic);
        assertEquals(4, stats.getOffsetTable().size());
        assertEquals(1, stats.getOffsetTable().get(queue(topic, 1)).getMaxOffset());
        assertTrue(stats.getOffsetTable().get(queue(topic, 1)).getLastUpdateTimestamp() >= before - 1_000);
        assertEquals(0, stats.getOffsetTable().get(queue(topic, 3)).getMaxOffset());
        assertEquals(0, stats.getOffsetTable().get(queue(topic, 3)).getLastUpdateTimestamp());
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, refusal(() -> admin.examineTopicStats(broker.address, unique("no"))));
    }

    @Test
    @Feature(area = "Topics", name = "delete")
    void aDeletedTopicIsGoneAndStartsAnew() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        assertEquals(0, producer.send(new Message(topic, bytes("a"))).getQueueOffset());
        assertEquals(1, producer.send(new Message(topic, bytes("b"))).getQueueOffset());
        admin.deleteTopicInBroker(Set.of(broker.address), topic);
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, refusal(() -> admin.examineTopicStats(broker.address, topic)));
        assertFalse(admin.getAllTopicConfig(broker.address, 5_000).getTopicConfigTable().containsKey(topic));
        topic(new TopicConfig(topic, 1, 1));
        await("offsets start anew", () -> producer.send(new Message(topic, bytes("c"))).getQueueOffset() == 0);
    }

    @Test
    @Feature(area = "Topics", name = "topics survive a restart")
    void topicsSurviveARestart() throws Exception {
        TopicConfig config = new TopicConfig(unique("T"), 3, 5, 6);
        config.setAttributes(new HashMap<>(Map.of("+message.type", "FIFO")));
        String topic = topic(config);
        broker.restart();
        TopicConfig found = await("the topic", () -> admin.examineTopicConfig(broker.address, topic), got -> got != null);
        assertEquals(3, found.getReadQueueNums());
        assertEquals(5, found.getWriteQueueNums());
        assertEquals(Map.of("message.type", "FIFO"), found.getAttributes());
    }

    @Test
    @Feature(area = "Topics", name = "system topics are listed")
    void systemTopicsAreListed() {
        RemotingCommand response = request(RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER, null, null);
        Set<String> topics = TopicList.decode(response.getBody(), TopicList.class).getTopicList();
        assertTrue(topics.containsAll(Set.of("TBW102", "SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC",
            "RMQ_SYS_TRANS_OP_HALF_TOPIC", "BenchmarkTest", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT",
            broker.name, cluster.name, cluster.name + "_REPLY_TOPIC")), topics.toString());
    }

    @Test
    @Feature(area = "Topics", name = "topics named like the broker and the cluster")
    void topicsNamedLikeBrokerAndClusterCanBeUsed() throws Exception {
        DefaultMQProducer producer = producer();
        for (String topic : List.of(broker.name, cluster.name)) {
            assertEquals(7, admin.examineTopicConfig(broker.address, topic).getPerm());
            await("a message to " + topic, () -> producer.send(new Message(topic, bytes("hello"))) != null);
        }
    }

    @Test
    @Feature(area = "Maintenance", name = "clean up on demand")
    void cleaningUpLeavesWhatIsUsed() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        producer.send(new Message(topic, bytes("a")));
        assertTrue(admin.cleanUnusedTopicByAddr(broker.address));
        assertTrue(admin.cleanExpiredConsumerQueueByAddr(broker.address));
        assertTrue(admin.deleteExpiredCommitLogByAddr(broker.address));
        assertEquals(1, admin.maxOffset(queue(topic, 0)));
        assertEquals(1, producer.send(new Message(topic, bytes("b"))).getQueueOffset());
    }
}
