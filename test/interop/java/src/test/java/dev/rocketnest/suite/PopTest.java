package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.AckResult;
import org.apache.rocketmq.client.consumer.AckStatus;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PopResult;
import org.apache.rocketmq.client.consumer.PopStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.impl.mqclient.DoNothingClientRemotingProcessor;
import org.apache.rocketmq.client.impl.mqclient.MQClientAPIExt;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.constant.ConsumeInitMode;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueueAssignment;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.AckMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ChangeInvisibleTimeRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ExtraInfoUtil;
import org.apache.rocketmq.remoting.protocol.header.NotificationRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PeekMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PollingInfoRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PollingInfoResponseHeader;
import org.apache.rocketmq.remoting.protocol.header.PopMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.junit.jupiter.api.Test;

/** Pop: consuming without owning queues, with the client's own pop calls and with push consumers that the broker switches to it. */
class PopTest extends SuiteTest {

    private static final String AREA = "Pop";
    private static final int TIMEOUT_MS = 20_000;
    private static final long LONG_MS = 600_000;
    private static MQClientAPIExt api;

    private final String group = group();

    private static synchronized MQClientAPIExt api() {
        if (api == null) {
            api = new MQClientAPIExt(new ClientConfig(), new NettyClientConfig(),
                new DoNothingClientRemotingProcessor(null), null);
            api.start();
        }
        return api;
    }

    // What the tests do

    private static void sendTo(String topic, int queueId, String tags, String... bodies) throws Exception {
        DefaultMQProducer producer = sender();
        for (String body : bodies) {
            producer.send(new Message(topic, tags, bytes(body)), queue(topic, queueId));
        }
    }

    private static DefaultMQProducer sender;

    private static synchronized DefaultMQProducer sender() throws Exception {
        if (sender == null) {
            sender = configured(new DefaultMQProducer(unique("P")));
            sender.start();
        }
        return sender;
    }

    private PopMessageRequestHeader request(String topic, Consumer<PopMessageRequestHeader> settings) {
        PopMessageRequestHeader header = new PopMessageRequestHeader();
        header.setTopic(topic);
        header.setConsumerGroup(group);
        header.setQueueId(-1);
        header.setMaxMsgNums(32);
        header.setInvisibleTime(LONG_MS);
        header.setInitMode(ConsumeInitMode.MIN);
        header.setExpType("TAG");
        header.setExp("*");
        header.setOrder(false);
        header.setBornTime(System.currentTimeMillis());
        settings.accept(header);
        return header;
    }

    private CompletableFuture<PopResult> popAsync(String topic, Consumer<PopMessageRequestHeader> settings) {
        return api().popMessageAsync(broker.address, broker.name, request(topic, settings), TIMEOUT_MS);
    }

    private List<MessageExt> pop(String topic, Consumer<PopMessageRequestHeader> settings) {
        List<MessageExt> found = get(() -> popAsync(topic, settings).get()).getMsgFoundList();
        return found == null ? List.of() : found;
    }

    /** Pops with long polling until so many messages came. */
    private List<MessageExt> popUntil(String topic, int count, Consumer<PopMessageRequestHeader> settings) {
        List<MessageExt> popped = new ArrayList<>();
        await(count + " messages of " + topic, () -> {
            popped.addAll(pop(topic, header -> {
                header.setPollTime(2_000);
                settings.accept(header);
            }));
            return popped.size() >= count;
        });
        return popped;
    }

    private static List<String> bodies(List<MessageExt> messages) {
        return messages.stream().map(message -> new String(message.getBody(), StandardCharsets.UTF_8))
            .sorted().collect(Collectors.toList());
    }

    private static String receipt(MessageExt message) {
        return message.getProperty(MessageConst.PROPERTY_POP_CK);
    }

    private AckStatus ack(MessageExt message) {
        return ack(message, receipt(message));
    }

    private AckStatus ack(MessageExt message, String receipt) {
        String[] parts = ExtraInfoUtil.split(receipt);
        AckMessageRequestHeader header = new AckMessageRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(ExtraInfoUtil.getRealTopic(parts, message.getTopic(), group));
        header.setQueueId(ExtraInfoUtil.getQueueId(parts));
        header.setOffset(ExtraInfoUtil.getQueueOffset(parts));
        header.setExtraInfo(receipt);
        return get(() -> api().ackMessageAsync(broker.address, header, TIMEOUT_MS).get()).getStatus();
    }

    private AckStatus batchAck(String topic, List<MessageExt> messages) {
        List<String> receipts = messages.stream().map(PopTest::receipt).collect(Collectors.toList());
        return get(() -> api().batchAckMessageAsync(broker.address, topic, group, receipts, TIMEOUT_MS).get()).getStatus();
    }

    private AckResult changeInvisible(MessageExt message, long invisibleTime) {
        String[] parts = ExtraInfoUtil.split(receipt(message));
        ChangeInvisibleTimeRequestHeader header = new ChangeInvisibleTimeRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(ExtraInfoUtil.getRealTopic(parts, message.getTopic(), group));
        header.setQueueId(ExtraInfoUtil.getQueueId(parts));
        header.setOffset(ExtraInfoUtil.getQueueOffset(parts));
        header.setExtraInfo(receipt(message));
        header.setInvisibleTime(invisibleTime);
        return get(() -> api().changeInvisibleTimeAsync(broker.address, broker.name, header, TIMEOUT_MS).get());
    }

    private boolean notified(String topic, long pollTime) {
        NotificationRequestHeader header = new NotificationRequestHeader();
        header.setTopic(topic);
        header.setConsumerGroup(group);
        header.setQueueId(-1);
        header.setPollTime(pollTime);
        header.setBornTime(System.currentTimeMillis());
        return get(() -> api().notification(broker.address, header, TIMEOUT_MS).get());
    }

    private static Consumer<PopMessageRequestHeader> nothing() {
        return header -> { };
    }

    // Pop

    @Test
    @Feature(area = AREA, name = "pop from all queues and from one, each message once")
    void messagesAreGivenAwayOnce() throws Exception {
        String topic = topic();
        for (int queueId = 0; queueId < 4; queueId++) {
            sendTo(topic, queueId, "", queueId + "a", queueId + "b");
        }
        assertEquals(List.of("2a"), bodies(pop(topic, header -> {
            header.setQueueId(2);
            header.setMaxMsgNums(1);
        })));
        assertEquals(List.of("0a", "0b", "1a", "1b", "2b", "3a", "3b"), bodies(popUntil(topic, 7, nothing())));
        assertEquals(List.of(), pop(topic, nothing()));
    }

    @Test
    @Feature(area = AREA, name = "pop by tags")
    void tagsAreObeyed() throws Exception {
        String topic = topic(1);
        sendTo(topic, 0, "red", "1");
        sendTo(topic, 0, "blue", "2");
        sendTo(topic, 0, "red", "3");
        assertEquals(List.of("2"), bodies(popUntil(topic, 1, header -> header.setExp("blue || green"))));
    }

    @Test
    @Feature(area = AREA, name = "pop from the end of a queue (initMode)")
    void aGroupMayStartAtTheEnd() throws Exception {
        String topic = topic(1);
        sendTo(topic, 0, "", "1", "2");
        // a young queue is given from its beginning whatever the mode, see initPopOffsetByCheckMsgInMem
        List<String> first = bodies(popUntil(topic, 1, header -> header.setInitMode(ConsumeInitMode.MAX)));
        assertEquals(List.of("1", "2"), first);
        sendTo(topic, 0, "", "3");
        assertEquals(List.of("3"), bodies(popUntil(topic, 1, header -> header.setInitMode(ConsumeInitMode.MAX))));
    }

    @Test
    @Feature(area = AREA, name = "long polling of pops")
    void aPopWaitsForAMessage() throws Exception {
        String topic = topic();
        sendTo(topic, 0, "", "first");
        popUntil(topic, 1, nothing());
        CompletableFuture<PopResult> waiting = popAsync(topic, header -> header.setPollTime(15_000));
        await("a held pop", () -> polling(topic) == 1);
        assertFalse(waiting.isDone());
        sendTo(topic, 3, "", "second");
        assertEquals(List.of("second"), bodies(waiting.get().getMsgFoundList()));
        assertEquals(0, polling(topic));
        assertEquals(PopStatus.POLLING_NOT_FOUND, popAsync(topic, header -> header.setPollTime(300)).get().getPopStatus());
    }

    private int polling(String topic) throws Exception {
        PollingInfoRequestHeader header = new PollingInfoRequestHeader();
        header.setTopic(topic);
        header.setConsumerGroup(group);
        header.setQueueId(-1);
        RemotingCommand response = request(RequestCode.POLLING_INFO, header, null);
        PollingInfoResponseHeader info =
            (PollingInfoResponseHeader) response.decodeCommandCustomHeader(PollingInfoResponseHeader.class);
        return info.getPollingNum();
    }

    @Test
    @Feature(area = AREA, name = "refusals of pops")
    void badPopsAreRefused() {
        String topic = topic();
        assertEquals(ResponseCode.INVALID_PARAMETER, codeOf(request(topic, header -> header.setMaxMsgNums(33))));
        assertEquals(ResponseCode.INVALID_PARAMETER, codeOf(request(topic, header -> header.setQueueId(4))));
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, codeOf(request(unique("none"), nothing())));
        assertEquals(ResponseCode.POLLING_TIMEOUT, codeOf(request(topic, header -> header.setBornTime(1))));
        assertEquals(ResponseCode.SUBSCRIPTION_PARSE_FAILED, codeOf(request(topic, header -> {
            header.setExpType("SQL92");
            header.setExp("a >");
        })));
        String closed = group(settings -> settings.setConsumeEnable(false));
        assertEquals(ResponseCode.NO_PERMISSION, codeOf(request(topic, header -> header.setConsumerGroup(closed))));
    }

    private static int codeOf(PopMessageRequestHeader header) {
        return request(RequestCode.POP_MESSAGE, header, null).getCode();
    }

    @Test
    @Feature(area = AREA, name = "pop by SQL92")
    void expressionsAreObeyed() throws Exception {
        String topic = topic(1);
        for (int i = 0; i < 3; i++) {
            Message message = new Message(topic, bytes("" + i));
            message.putUserProperty("number", "" + i);
            sender().send(message);
        }
        assertEquals(List.of("2"), bodies(popUntil(topic, 1, header -> {
            header.setExpType("SQL92");
            header.setExp("number > 1");
        })));
    }

    @Test
    @Feature(area = AREA, name = "acknowledgements, single and batch; the others return by the retry topic")
    void whatIsNotAcknowledgedReturns() throws Exception {
        String topic = topic(2);
        sendTo(topic, 0, "tag", "0a", "0b", "0c");
        sendTo(topic, 1, "tag", "1a", "1b", "1c");
        List<MessageExt> popped = popUntil(topic, 6, header -> header.setInvisibleTime(2_000));
        assertEquals(AckStatus.OK, ack(find(popped, "0a")));
        assertEquals(AckStatus.OK, batchAck(topic, List.of(find(popped, "0c"), find(popped, "1a"), find(popped, "1b"))));
        List<MessageExt> again = popUntil(topic, 2, nothing());
        assertEquals(List.of("0b", "1c"), bodies(again));
        for (MessageExt message : again) {
            assertEquals(1, message.getReconsumeTimes());
            assertEquals(topic, message.getTopic());
            assertEquals("tag", message.getTags());
            assertEquals(group, message.getProperty(MessageConst.PROPERTY_ORIGIN_GROUP));
            assertEquals(AckStatus.OK, ack(message));
        }
        assertNotNull(admin.examineTopicConfig(broker.address, "%RETRY%" + group + "_" + topic));
        assertEquals(List.of(), pop(topic, nothing()));
    }

    private static MessageExt find(List<MessageExt> messages, String body) {
        return messages.stream().filter(message -> new String(message.getBody(), StandardCharsets.UTF_8).equals(body))
            .findFirst().orElseThrow(() -> new AssertionError(body + " is not among " + bodies(messages)));
    }

    @Test
    @Feature(area = AREA, name = "retry topics of the second form (enableRetryTopicV2)")
    void retryTopicsOfTheSecondForm() throws Exception {
        configure("enableRetryTopicV2", "true");
        closeLater(() -> configure("enableRetryTopicV2", "false"));
        String topic = topic(1);
        sendTo(topic, 0, "", "a");
        popUntil(topic, 1, header -> header.setInvisibleTime(500));
        MessageExt again = popUntil(topic, 1, nothing()).get(0);
        assertEquals("2", ExtraInfoUtil.getRetry(ExtraInfoUtil.split(receipt(again))));
        assertNotNull(admin.examineTopicConfig(broker.address, "%RETRY%" + group + "+" + topic));
        assertEquals(AckStatus.OK, ack(again));
    }

    private static void configure(String key, String value) throws Exception {
        Properties properties = new Properties();
        properties.setProperty(key, value);
        admin.updateBrokerConfig(broker.address, properties);
    }

    @Test
    @Feature(area = AREA, name = "a changed invisible time")
    void invisibleTimesCanBeChanged() throws Exception {
        String topic = topic(1);
        sendTo(topic, 0, "", "sooner", "later");
        List<MessageExt> popped = popUntil(topic, 2, header -> header.setInvisibleTime(2_000));
        assertEquals(AckStatus.OK, changeInvisible(find(popped, "sooner"), 500).getStatus());
        AckResult later = changeInvisible(find(popped, "later"), LONG_MS);
        assertEquals(AckStatus.OK, later.getStatus());
        assertEquals(List.of("sooner"), bodies(popUntil(topic, 1, nothing())));
        // Its first invisible time passes meanwhile.
        assertEquals(List.of(), pop(topic, header -> header.setPollTime(4_000)));
        assertEquals(AckStatus.OK, ack(find(popped, "later"), later.getExtraInfo()
            + MessageConst.KEY_SEPARATOR + find(popped, "later").getQueueOffset()));
    }

    @Test
    @Feature(area = AREA, name = "refusals of acknowledgements")
    void badAcknowledgementsAreRefused() throws Exception {
        String topic = topic(1);
        sendTo(topic, 0, "", "a");
        MessageExt message = popUntil(topic, 1, nothing()).get(0);
        AckMessageRequestHeader header = new AckMessageRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(0);
        header.setOffset(99L);
        header.setExtraInfo(receipt(message));
        assertEquals(ResponseCode.NO_MESSAGE, request(RequestCode.ACK_MESSAGE, header, null).getCode());
        header.setQueueId(1);
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, request(RequestCode.ACK_MESSAGE, header, null).getCode());
        header.setTopic(unique("none"));
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, request(RequestCode.ACK_MESSAGE, header, null).getCode());
    }

    @Test
    @Feature(area = AREA, name = "kill -9 between pop and acknowledgement")
    void aKilledBrokerLosesNothing() throws Exception {
        String topic = topic(1);
        sendTo(topic, 0, "", "kept", "acknowledged");
        List<MessageExt> popped = popUntil(topic, 2, header -> header.setInvisibleTime(8_000));
        assertEquals(AckStatus.OK, ack(find(popped, "acknowledged")));
        // Consumer offsets are written every 5 s: before that the messages would be popped anew.
        Thread.sleep(6_000);
        broker.killAndRestart();
        assertEquals(List.of("kept"), bodies(popUntil(topic, 1, nothing())));
        assertEquals(List.of(), pop(topic, header -> header.setPollTime(2_000)));
    }

    // In order

    private static Consumer<PopMessageRequestHeader> ordered(String attemptId, long invisibleTime, long pollTime) {
        return header -> {
            header.setOrder(true);
            header.setAttemptId(attemptId);
            header.setInvisibleTime(invisibleTime);
            header.setPollTime(pollTime);
        };
    }

    @Test
    @Feature(area = AREA, name = "pop in order: a queue is blocked until its messages are acknowledged")
    void orderlyPopsBlockTheQueue() throws Exception {
        String topic = topic(1);
        sendTo(topic, 0, "", "a", "b");
        List<MessageExt> first = popUntil(topic, 2, ordered("first", LONG_MS, 0));
        sendTo(topic, 0, "", "c");
        assertEquals(List.of(), pop(topic, ordered("second", LONG_MS, 0)));
        assertEquals(AckStatus.OK, ack(find(first, "b")));
        assertEquals(List.of(), pop(topic, ordered("second", LONG_MS, 0)));
        CompletableFuture<PopResult> waiting = popAsync(topic, ordered("second", LONG_MS, 15_000));
        await("a held pop", () -> polling(topic) == 1);
        assertEquals(AckStatus.OK, ack(find(first, "a")));
        assertEquals(List.of("c"), bodies(waiting.get().getMsgFoundList()));
        QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(0);
        assertEquals(2L, api().queryConsumerOffset(broker.address, header, TIMEOUT_MS));
    }

    @Test
    @Feature(area = AREA, name = "pop in order: messages return in place when their time is over; attempts")
    void orderlyPopsReturnInPlace() throws Exception {
        String topic = topic(1);
        sendTo(topic, 0, "", "a", "b");
        assertEquals(List.of("a", "b"), bodies(popUntil(topic, 2, ordered("one", 1_500, 0))));
        List<MessageExt> same = pop(topic, ordered("one", 1_500, 0));
        assertEquals(List.of("a", "b"), bodies(same));
        assertEquals(0, same.get(0).getReconsumeTimes());
        List<MessageExt> again = get(() -> popAsync(topic, ordered("two", LONG_MS, 15_000)).get()).getMsgFoundList();
        assertEquals(List.of("a", "b"), bodies(again));
        assertEquals(1, again.get(0).getReconsumeTimes());
        assertEquals(AckStatus.OK, changeInvisible(again.get(0), 500).getStatus());
        assertEquals(AckStatus.OK, changeInvisible(again.get(1), 500).getStatus());
        List<MessageExt> third = get(() -> popAsync(topic, ordered("three", LONG_MS, 15_000)).get()).getMsgFoundList();
        assertEquals(List.of("a", "b"), bodies(third));
        assertEquals(AckStatus.OK, batchAck(topic, third));
        assertEquals(List.of(), pop(topic, ordered("four", LONG_MS, 0)));
    }

    // Looking without taking

    @Test
    @Feature(area = AREA, name = "NOTIFICATION: whether there is something to pop")
    void notifications() throws Exception {
        String topic = topic();
        sendTo(topic, 0, "", "first");
        await("a message", () -> notified(topic, 0));
        popUntil(topic, 1, nothing());
        assertFalse(notified(topic, 0));
        CompletableFuture<Boolean> waiting = CompletableFuture.supplyAsync(() -> notified(topic, 15_000));
        sendTo(topic, 2, "", "second");
        assertTrue(waiting.get());
    }

    @Test
    @Feature(area = AREA, name = "PEEK_MESSAGE: what a pop would get")
    void peeking() throws Exception {
        String topic = topic(1);
        sendTo(topic, 0, "", "a", "b");
        PeekMessageRequestHeader header = new PeekMessageRequestHeader();
        header.setTopic(topic);
        header.setConsumerGroup(group);
        header.setQueueId(-1);
        header.setMaxMsgNums(1);
        RemotingCommand seen = await("messages", () -> request(RequestCode.PEEK_MESSAGE, header, null),
            response -> response.getCode() == ResponseCode.SUCCESS);
        assertEquals(List.of("a"), bodies(MessageDecoder.decodes(ByteBuffer.wrap(seen.getBody()))));
        assertEquals(List.of("a", "b"), bodies(popUntil(topic, 2, nothing())));
        assertEquals(ResponseCode.PULL_NOT_FOUND, request(RequestCode.PEEK_MESSAGE, header, null).getCode());
    }

    // Push consumers that the broker switches to pop

    private void popMode(String topic, int shareQueueNum) throws Exception {
        admin.setMessageRequestMode(broker.address, topic, group, MessageRequestMode.POP, shareQueueNum, TIMEOUT_MS);
    }

    @Test
    @Feature(area = AREA, name = "push consumers in pop mode: request mode, assignment by the broker, failed messages")
    void pushConsumersPop() throws Exception {
        String topic = topic();
        group(settings -> settings.setGroupName(group));
        popMode(topic, -1);
        Inbox inbox = new Inbox(null);
        Consumer<DefaultMQPushConsumer> popping = consumer -> {
            consumer.setClientRebalance(false);
            run(() -> consumer.subscribe(topic, "*"));
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                inbox.add(messages);
                boolean fails = messages.stream().anyMatch(message ->
                    "fails once".equals(new String(message.getBody(), StandardCharsets.UTF_8))
                        && message.getReconsumeTimes() == 0);
                return fails ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        };
        consume(group, popping);
        sendTo(topic, 0, "", "1", "2");
        sendTo(topic, 1, "", "fails once");
        inbox.await(4);
        assertEquals(List.of("1", "2", "fails once", "fails once"), bodies(inbox.messages()));
        for (MessageExt message : inbox.messages()) {
            assertNotNull(receipt(message), "popped, not pulled");
        }
    }

    @Test
    @Feature(area = AREA, name = "QUERY_ASSIGNMENT: shares of pulling and popping consumers")
    void assignments() throws Exception {
        String topic = topic(6);
        group(settings -> settings.setGroupName(group));
        List<Inbox> inboxes = List.of(consume(group, topic, "*"), consume(group, topic, "*"), consume(group, topic, "*"));
        List<String> ids = inboxes.stream().map(inbox -> inbox.consumer.buildMQClientId()).sorted().collect(Collectors.toList());
        await("members", () -> admin.examineConsumerConnectionInfo(group).getConnectionSet().size() == 3);
        assertEquals(List.of(0, 1), assigned(topic, ids.get(0), "AVG", MessageRequestMode.PULL));
        assertEquals(List.of(4, 5), assigned(topic, ids.get(2), "AVG", MessageRequestMode.PULL));
        assertEquals(List.of(1, 4), assigned(topic, ids.get(1), "AVG_BY_CIRCLE", MessageRequestMode.PULL));
        popMode(topic, 1);
        assertEquals(List.of(0, 1, 4, 5), assigned(topic, ids.get(2), "AVG", MessageRequestMode.POP));
        popMode(topic, 2);
        assertEquals(List.of(-1), assigned(topic, ids.get(2), "AVG", MessageRequestMode.POP));
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, refusal(() -> popMode(unique("none"), 0)));
    }

    private List<Integer> assigned(String topic, String clientId, String strategy, MessageRequestMode mode) throws Exception {
        Set<MessageQueueAssignment> assignments = api().queryAssignment(broker.address, topic, group, clientId, strategy,
            MessageModel.CLUSTERING, TIMEOUT_MS);
        assertTrue(assignments.stream().allMatch(assignment -> assignment.getMode() == mode));
        return assignments.stream().map(assignment -> assignment.getMessageQueue().getQueueId()).sorted()
            .collect(Collectors.toList());
    }

    @Test
    @Feature(area = AREA, name = "the example PopConsumer of RocketMQ")
    void theExampleRuns() throws Exception {
        // The names are in the example.
        topic(new TopicConfig("TopicTest", 4, 4));
        String java = System.getProperty("java.home") + File.separator + "bin" + File.separator + "java";
        Process example = new ProcessBuilder(java, "-XX:TieredStopAtLevel=1",
            "-Drocketmq.namesrv.addr=" + cluster.namesrvAddr(), "-cp", System.getProperty("java.class.path"),
            "org.apache.rocketmq.example.simple.PopConsumer").redirectErrorStream(true).start();
        closeLater(example::destroyForcibly);
        Set<String> expected = Set.of("example-1", "example-2", "example-3");
        for (String keys : expected) {
            sender().send(new Message("TopicTest", "", keys, bytes(keys)));
        }
        List<String> lines = new ArrayList<>();
        CompletableFuture.runAsync(() -> run(() -> {
            BufferedReader output = new BufferedReader(new InputStreamReader(example.getInputStream(), StandardCharsets.UTF_8));
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                synchronized (lines) {
                    lines.add(line);
                }
            }
        }));
        await("the example's output", () -> {
            synchronized (lines) {
                return expected.stream().allMatch(keys -> lines.stream()
                    .anyMatch(line -> line.contains("KEYS=" + keys) && line.contains("POP_CK=")));
            }
        });
    }
}
