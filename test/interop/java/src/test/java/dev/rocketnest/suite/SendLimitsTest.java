package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.SendMessageRequestHeader;
import org.junit.jupiter.api.Test;

/** What a broker checks of a message, with requests that the official client would not send. */
class SendLimitsTest extends SuiteTest {

    private static final String AREA = "Sending";

    private static RemotingCommand send(String topic, Consumer<SendMessageRequestHeader> settings) {
        return send(topic, settings, bytes("m"));
    }

    private static RemotingCommand send(String topic, Consumer<SendMessageRequestHeader> settings, byte[] body) {
        SendMessageRequestHeader header = new SendMessageRequestHeader();
        header.setProducerGroup("limits");
        header.setTopic(topic);
        header.setDefaultTopic("TBW102");
        header.setDefaultTopicQueueNums(2);
        header.setQueueId(0);
        header.setSysFlag(0);
        header.setBornTimestamp(System.currentTimeMillis());
        header.setFlag(0);
        header.setProperties("");
        settings.accept(header);
        return request(RequestCode.SEND_MESSAGE, header, body);
    }

    private static String text(Map<String, String> properties) {
        return MessageDecoder.messageProperties2String(properties);
    }

    private void configure(String key, String value, String normal) throws Exception {
        closeLater(() -> admin.updateBrokerConfig(broker.address, properties(key, normal)));
        admin.updateBrokerConfig(broker.address, properties(key, value));
    }

    private static Properties properties(String key, String value) {
        Properties properties = new Properties();
        properties.put(key, value);
        return properties;
    }

    private MessageExt first(String topic) {
        return consume(group(), topic, "*").await(1).get(0);
    }

    @Test
    @Feature(area = AREA, name = "no topic without a default topic to inherit, or with auto-creation off: TOPIC_NOT_EXIST")
    void aTopicNeedsSomethingToInheritFrom() throws Exception {
        RemotingCommand orphan = send(unique("T"), header -> header.setDefaultTopic(unique("nothing")));
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, orphan.getCode());
        String ordinary = topic();
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, send(unique("T"), header -> header.setDefaultTopic(ordinary)).getCode());
        String inherited = unique("T");
        assertEquals(ResponseCode.SUCCESS, send(inherited, header -> header.setDefaultTopicQueueNums(100)).getCode());
        assertEquals(8, admin.examineTopicConfig(broker.address, inherited).getWriteQueueNums());
    }

    @Test
    @Feature(area = AREA, name = "topics of units")
    void aUnitMarksItsTopics() throws Exception {
        String topic = unique("T");
        assertEquals(ResponseCode.SUCCESS, send(topic, header -> header.setUnitMode(true)).getCode());
        assertEquals(1, admin.examineTopicConfig(broker.address, topic).getTopicSysFlag());
        String retry = "%RETRY%" + group();
        assertEquals(ResponseCode.SUCCESS, send(retry, header -> header.setUnitMode(true)).getCode());
        assertEquals(2, admin.examineTopicConfig(broker.address, retry).getTopicSysFlag());
    }

    @Test
    @Feature(area = AREA, name = "a broker without write permission refuses order topics with NO_PERMISSION")
    void aReadOnlyBrokerRefusesOrderTopics() throws Exception {
        String ordinary = topic();
        TopicConfig order = new TopicConfig(unique("T"), 2, 2);
        order.setOrder(true);
        String ordered = topic(order);
        configure("brokerPermission", "4", "6");
        RemotingCommand refused = send(ordered, header -> { });
        assertEquals(ResponseCode.NO_PERMISSION, refused.getCode());
        assertTrue(refused.getRemark().contains("sending message is forbidden"), refused.getRemark());
        assertEquals(ResponseCode.SUCCESS, send(ordinary, header -> { }).getCode());
    }

    @Test
    @Feature(area = AREA, name = "a retry that was consumed too often becomes a dead letter")
    void aRetryOverItsLimitIsADeadLetter() {
        String group = group();
        RemotingCommand sent = send("%RETRY%" + group, header -> {
            header.setReconsumeTimes(3);
            header.setMaxReconsumeTimes(2);
            header.setProperties(text(Map.of("KEYS", "k", "DELAY", "5")));
        });
        assertEquals(ResponseCode.SUCCESS, sent.getCode());
        MessageExt dead = first("%DLQ%" + group);
        assertEquals(3, dead.getReconsumeTimes());
        assertEquals("k", dead.getKeys());
        assertEquals(-1, dead.getDelayTimeLevel());
    }

    @Test
    @Feature(area = AREA, name = "no batch to a retry topic: MESSAGE_ILLEGAL")
    void noBatchToARetryTopic() {
        byte[] batch = MessageDecoder.encodeMessages(List.of(new Message("T", bytes("a")), new Message("T", bytes("b"))));
        RemotingCommand refused = send("%RETRY%" + group(), header -> header.setBatch(true), batch);
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, refused.getCode());
        assertTrue(refused.getRemark().contains("batch request does not support retry group"), refused.getRemark());
    }

    @Test
    @Feature(area = AREA, name = "no delayed and no transactional batch: MESSAGE_ILLEGAL")
    void aBatchIsNeitherDelayedNorTransactional() {
        String topic = topic();
        byte[] batch = MessageDecoder.encodeMessages(List.of(new Message("T", bytes("a")), new Message("T", bytes("b"))));
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, send(topic, header -> {
            header.setBatch(true);
            header.setProperties(text(Map.of("DELAY", "3")));
        }, batch).getCode());
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, send(topic, header -> {
            header.setBatch(true);
            header.setSysFlag(4);
        }, batch).getCode());
    }

    @Test
    @Feature(area = AREA, name = "properties of the broker's own: region, trace switch, cluster, unique id")
    void theBrokerAddsItsProperties() {
        String topic = topic(1);
        RemotingCommand sent = send(topic, header -> header.setProperties(
            text(Map.of("MSG_REGION", "mine", "CLUSTER", "mine", "POP_CK", "mine", "color", "red"))));
        assertEquals("DefaultRegion", sent.getExtFields().get("MSG_REGION"));
        assertEquals("true", sent.getExtFields().get("TRACE_ON"));
        MessageExt message = first(topic);
        assertEquals("DefaultRegion", message.getProperty("MSG_REGION"));
        assertEquals("true", message.getProperty("TRACE_ON"));
        assertEquals(cluster.name, message.getProperty("CLUSTER"));
        assertEquals("red", message.getProperty("color"));
        assertEquals(null, message.getProperty("POP_CK"));
        assertTrue(message.getProperty("UNIQ_KEY").length() >= 32);
    }

    @Test
    @Feature(area = AREA, name = "priority picks the queue (message.type=PRIORITY)")
    void priorityPicksTheQueue() throws Exception {
        TopicConfig config = new TopicConfig(unique("T"), 4, 4);
        config.setAttributes(Map.of("+message.type", "PRIORITY"));
        String topic = topic(config);
        DefaultMQProducer producer = producer();
        for (int priority : new int[] {0, 2, 9}) {
            Message message = new Message(topic, bytes("p" + priority));
            message.setPriority(priority);
            SendResult sent = producer.send(message);
            assertEquals(Math.min(priority, 3), sent.getMessageQueue().getQueueId());
        }
        Message ordered = new Message(topic, bytes("both"));
        ordered.setPriority(3);
        ordered.putUserProperty("color", "red");
        RemotingCommand sent = send(topic, header -> {
            header.setQueueId(1);
            header.setProperties(text(Map.of("_SYS_MSG_PRIORITY_", "3", "__SHARDINGKEY", "order-1")));
        });
        assertEquals("1", sent.getExtFields().get("queueId"));
        Inbox inbox = consume(group(), topic, "*");
        inbox.await(4);
        assertEquals(List.of("m:null", "p0:0", "p2:2", "p9:9"), inbox.each(message ->
            new String(message.getBody()) + ":" + message.getProperty("_SYS_MSG_PRIORITY_")).stream().sorted().collect(Collectors.toList()));
    }

    @Test
    @Feature(area = AREA, name = "rejectTransactionMessage refuses transactional sends with NO_PERMISSION")
    void transactionsCanBeSwitchedOff() throws Exception {
        String topic = topic();
        configure("rejectTransactionMessage", "true", "false");
        RemotingCommand refused = send(topic, header -> header.setProperties(text(Map.of("TRAN_MSG", "true", "PGROUP", "p"))));
        assertEquals(ResponseCode.NO_PERMISSION, refused.getCode());
        assertTrue(refused.getRemark().contains("sending transaction message is forbidden"), refused.getRemark());
        assertEquals(ResponseCode.SUCCESS, send(topic, header -> { }).getCode());
    }

    @Test
    @Feature(area = AREA, name = "no sends before startAcceptSendRequestTimeStamp: SYSTEM_ERROR")
    void aBrokerMayAcceptSendsLater() throws Exception {
        String topic = topic();
        configure("startAcceptSendRequestTimeStamp", Long.toString(System.currentTimeMillis() + 3_600_000), "0");
        RemotingCommand refused = send(topic, header -> { });
        assertEquals(ResponseCode.SYSTEM_ERROR, refused.getCode());
        assertTrue(refused.getRemark().contains("broker unable to service, until"), refused.getRemark());
    }

    @Test
    @Feature(area = AREA, name = "maxMessageSize, changed at run time")
    void theSizeLimitCanChange() throws Exception {
        String topic = topic();
        configure("maxMessageSize", "1000", "4194304");
        await("bodies over 1000 bytes are refused", () ->
            send(topic, header -> { }, new byte[1_001]).getCode() == ResponseCode.MESSAGE_ILLEGAL);
        assertEquals(ResponseCode.SUCCESS, send(topic, header -> { }, new byte[500]).getCode());
    }

    @Test
    @SuppressWarnings("deprecation") // the pull consumer shows single batches
    @Feature(area = AREA, name = "inner batches: a BatchCQ topic keeps a client batch together")
    void aBatchTopicKeepsBatchesTogether() throws Exception {
        TopicConfig config = new TopicConfig(unique("T"), 1, 1);
        config.setAttributes(Map.of("+queue.type", "BatchCQ"));
        String topic = topic(config);
        DefaultMQProducer producer = producer();
        SendResult batch = producer.send(List.of(new Message(topic, "A", "k1", bytes("a")), new Message(topic, "B", "k2", bytes("b")),
            new Message(topic, "C", "k3", bytes("c"))));
        assertEquals(0, batch.getQueueOffset());
        assertEquals(1, batch.getMsgId().split(",").length);
        assertEquals(3, producer.send(new Message(topic, "D", bytes("d"))).getQueueOffset());
        assertEquals(4, admin.maxOffset(queue(topic, 0)));

        Inbox inbox = consume(group(), topic, "*");
        assertEquals(List.of("a", "b", "c", "d"), inbox.awaitBodies(4));
        assertEquals(List.of("A", "B", "C", "D"), inbox.each(MessageExt::getTags).stream().sorted().collect(Collectors.toList()));
        assertEquals(List.of(0L, 1L, 2L, 3L), inbox.each(MessageExt::getQueueOffset).stream().sorted().collect(Collectors.toList()));

        DefaultMQPullConsumer pull = pullConsumer(group());
        assertEquals(4, pull.pull(queue(topic, 0), "*", 0, 32).getNextBeginOffset());
        // A pull from within a batch brings all of it.
        assertEquals(3, pull.pull(queue(topic, 0), "*", 2, 1).getMsgFoundList().size());
    }

    @Test
    @Feature(area = AREA, name = "INNER_NUM outside of a batch topic: MESSAGE_ILLEGAL")
    void innerBatchesNeedABatchTopic() {
        String topic = topic();
        assertEquals(ResponseCode.MESSAGE_ILLEGAL,
            send(topic, header -> header.setProperties(text(Map.of("INNER_NUM", "3")))).getCode());
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, send(topic, header -> header.setSysFlag(0x80)).getCode());
    }

    @Test
    @Feature(area = AREA, name = "topic attributes: unknown ones and wrong values are refused, some never change")
    void topicAttributesAreChecked() {
        for (Map<String, String> wrong : List.of(Map.of("+colour", "red"), Map.of("+message.type", "SLOW"),
                Map.of("+message.type", "MIXED"), Map.of("+queue.type", "TreeCQ"), Map.of("message.type", "NORMAL"))) {
            TopicConfig config = new TopicConfig(unique("T"), 1, 1);
            config.setAttributes(wrong);
            assertTrue(refusal(() -> admin.createAndUpdateTopicConfig(broker.address, config)) > 0, wrong.toString());
        }
        TopicConfig config = new TopicConfig(unique("T"), 1, 1);
        config.setAttributes(Map.of("+message.type", "DELAY", "+queue.type", "SimpleCQ"));
        topic(config);
        config.setAttributes(Map.of("+message.type", "FIFO"));
        topic(config);
        assertEquals(Map.of("message.type", "FIFO", "queue.type", "SimpleCQ"),
            get(() -> admin.examineTopicConfig(broker.address, config.getTopicName())).getAttributes());
        config.setAttributes(Map.of("+queue.type", "BatchCQ"));
        assertEquals(ResponseCode.SYSTEM_ERROR, refusal(() -> admin.createAndUpdateTopicConfig(broker.address, config)));
    }
}
