package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.constant.PermName;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.SendMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.SendMessageResponseHeader;
import org.junit.jupiter.api.Test;

class SendTest extends SuiteTest {

    private static final String AREA = "Sending";

    @Test
    @Feature(area = AREA, name = "synchronous send")
    void aSynchronousSendIsConsumed() {
        String topic = topic();
        SendResult sent = send(producer(), topic, "TagA", "hello");
        assertEquals(SendStatus.SEND_OK, sent.getSendStatus());
        assertEquals(0, sent.getQueueOffset());
        MessageExt received = consume(group(), topic, "*").await(1).get(0);
        assertEquals(sent.getMsgId(), received.getMsgId());
        assertEquals("TagA", received.getTags());
        assertEquals(sent.getMessageQueue().getQueueId(), received.getQueueId());
        assertEquals(broker.name, received.getBrokerName());
    }

    @Test
    @Feature(area = AREA, name = "asynchronous send")
    void asynchronousSendsAllSucceed() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        List<CompletableFuture<SendResult>> results = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            CompletableFuture<SendResult> result = new CompletableFuture<>();
            producer.send(new Message(topic, bytes("m" + i)), callback(result));
            results.add(result);
        }
        Set<String> ids = new HashSet<>();
        for (CompletableFuture<SendResult> result : results) {
            assertEquals(SendStatus.SEND_OK, result.get(30, TimeUnit.SECONDS).getSendStatus());
            ids.add(result.get().getMsgId());
        }
        Inbox inbox = consume(group(), topic, "*");
        inbox.await(50);
        assertEquals(ids, Set.copyOf(inbox.each(MessageExt::getMsgId)));
    }

    @Test
    @Feature(area = AREA, name = "one-way send")
    void onewaySendsArrive() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        producer.sendOneway(new Message(topic, bytes("a")));
        producer.sendOneway(new Message(topic, bytes("b")), queue(topic, 2));
        producer.sendOneway(new Message(topic, bytes("c")), (queues, message, key) -> queues.get(0), null);
        Inbox inbox = consume(group(), topic, "*");
        assertEquals(List.of("a", "b", "c"), inbox.awaitBodies(3));
    }

    @Test
    @Feature(area = AREA, name = "batch send")
    void aBatchIsStoredAsSingleMessages() throws Exception {
        String topic = topic(1);
        List<Message> batch = IntStream.range(0, 20).mapToObj(i -> {
            Message message = new Message(topic, "Tag" + i % 2, "key" + i, bytes("m" + i));
            message.setFlag(i);
            message.putUserProperty("number", Integer.toString(i));
            return message;
        }).collect(Collectors.toList());
        SendResult sent = producer().send(batch);
        assertEquals(SendStatus.SEND_OK, sent.getSendStatus());
        assertEquals(20, sent.getMsgId().split(",").length);
        assertEquals(20, sent.getOffsetMsgId().split(",").length);

        Inbox inbox = consume(group(), topic, "*");
        List<MessageExt> received = inbox.await(20).stream()
            .sorted(Comparator.comparing(MessageExt::getQueueOffset)).collect(Collectors.toList());
        assertEquals(List.of(sent.getMsgId().split(",")),
            received.stream().map(MessageExt::getMsgId).collect(Collectors.toList()));
        for (int i = 0; i < 20; i++) {
            MessageExt message = received.get(i);
            assertEquals(i, message.getQueueOffset());
            assertEquals(i, message.getFlag());
            assertEquals("key" + i, message.getKeys());
            assertEquals("Tag" + i % 2, message.getTags());
            assertEquals(Integer.toString(i), message.getUserProperty("number"));
        }
        MessageExt tenth = admin.viewMessage(topic, sent.getOffsetMsgId().split(",")[9]);
        assertEquals("m9", new String(tenth.getBody()));
    }

    @Test
    @Feature(area = AREA, name = "send to a chosen queue, by selector and by hash")
    void aSendGoesToTheChosenQueue() throws Exception {
        String topic = topic(8);
        DefaultMQProducer producer = producer();
        for (int queueId = 0; queueId < 8; queueId++) {
            SendResult sent = producer.send(new Message(topic, bytes("m")), queue(topic, queueId));
            assertEquals(queue(topic, queueId), sent.getMessageQueue());
        }
        Set<Integer> queues = new HashSet<>();
        for (int i = 0; i < 5; i++) {
            SendResult sent = producer.send(new Message(topic, bytes("m")), new SelectMessageQueueByHash(), "order-7");
            queues.add(sent.getMessageQueue().getQueueId());
        }
        assertEquals(1, queues.size());
    }

    @Test
    @Feature(area = AREA, name = "sends of one producer use all queues in turn")
    void sendsUseAllQueues() {
        String topic = topic(4);
        DefaultMQProducer producer = producer();
        Set<Integer> queues = new HashSet<>();
        for (int i = 0; i < 4; i++) {
            queues.add(send(producer, topic, "", "m").getMessageQueue().getQueueId());
        }
        assertEquals(Set.of(0, 1, 2, 3), queues);
    }

    @Test
    @Feature(area = AREA, name = "user properties, keys, flag, text of any language")
    void everythingOfAMessageArrives() throws Exception {
        String topic = topic();
        Message message = new Message(topic, "标签", "订单-7 k2", bytes("订单已创建"));
        message.setFlag(0x1234);
        message.putUserProperty("城市", "北京");
        message.putUserProperty("long", "x".repeat(10 * 1024));
        message.setBuyerId("buyer");
        message.setWaitStoreMsgOK(false);
        SendResult sent = producer().send(message);
        MessageExt received = consume(group(), topic, "标签").await(1).get(0);
        assertArrayEquals(message.getBody(), received.getBody());
        assertEquals("订单-7 k2", received.getKeys());
        assertEquals(0x1234, received.getFlag());
        assertEquals("北京", received.getUserProperty("城市"));
        assertEquals("x".repeat(10 * 1024), received.getUserProperty("long"));
        assertEquals("buyer", received.getBuyerId());
        assertTrue(received.getProperties().containsKey(MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX));
        assertEquals(sent.getMsgId(), received.getProperty(MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX));
        assertEquals("127.0.0.1", received.getBornHostString());
        assertTrue(received.getStoreTimestamp() >= received.getBornTimestamp() - 1_000);
    }

    @Test
    @Feature(area = AREA, name = "large bodies, compressed by the client")
    void aCompressedBodyArrives() throws Exception {
        String topic = topic();
        byte[] body = bytes("compressible ".repeat(100_000));
        producer().send(new Message(topic, body));
        MessageExt received = consume(group(), topic, "*").await(1).get(0);
        assertArrayEquals(body, received.getBody());
        assertTrue(received.getStoreSize() < 100_000);
    }

    @Test
    @Feature(area = AREA, name = "bodies of up to maxMessageSize, larger ones refused with MESSAGE_ILLEGAL")
    void aBodyAboveTheLimitIsRefused() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer(settings -> {
            settings.setMaxMessageSize(8 * 1024 * 1024);
            settings.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        });
        byte[] most = new byte[4 * 1024 * 1024];
        assertEquals(SendStatus.SEND_OK, producer.send(new Message(topic, most)).getSendStatus());
        int code = refusal(() -> producer.send(new Message(topic, new byte[most.length + 1])));
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, code);
    }

    @Test
    @Feature(area = AREA, name = "properties of up to 32767 bytes, more refused with MESSAGE_ILLEGAL")
    void propertiesAboveTheLimitAreRefused() throws Exception {
        String topic = topic();
        Message message = new Message(topic, bytes("m"));
        message.putUserProperty("long", "x".repeat(40_000));
        DefaultMQProducer producer = producer();
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, refusal(() -> producer.send(message)));
        message.putUserProperty("long", "x".repeat(32_000));
        assertEquals(SendStatus.SEND_OK, producer.send(message).getSendStatus());
    }

    @Test
    @Feature(area = AREA, name = "a topic is created by its first send, after the default topic")
    void aTopicIsCreatedByItsFirstSend() throws Exception {
        String topic = unique("T-auto");
        DefaultMQProducer producer = producer(settings -> settings.setDefaultTopicQueueNums(3));
        assertEquals(SendStatus.SEND_OK, send(producer, topic, "", "first").getSendStatus());
        TopicConfig config = admin.examineTopicConfig(broker.address, topic);
        assertEquals(3, config.getReadQueueNums());
        assertEquals(3, config.getWriteQueueNums());
        assertEquals(PermName.PERM_READ | PermName.PERM_WRITE, config.getPerm());
        await("route of " + topic, () -> admin.examineTopicRouteInfo(topic).getQueueDatas().size() == 1);
        consume(group(), topic, "*").await(1);
    }

    @Test
    @Feature(area = AREA, name = "an auto-created topic has no more queues than the default topic")
    void anAutoCreatedTopicHasNoMoreQueuesThanTheDefaultTopic() throws Exception {
        String topic = unique("T-auto");
        DefaultMQProducer producer = producer(settings -> settings.setDefaultTopicQueueNums(100));
        send(producer, topic, "", "first");
        assertEquals(8, admin.examineTopicConfig(broker.address, topic).getWriteQueueNums());
    }

    @Test
    @Feature(area = AREA, name = "permissions of a topic: no client writes to a read-only one or reads a write-only one")
    void permissionsOfATopicHold() throws Exception {
        String readOnly = topic(new TopicConfig(unique("T"), 4, 4, PermName.PERM_READ));
        assertThrows(MQClientException.class, () -> producer().send(new Message(readOnly, bytes("m"))));

        String writeOnly = topic(new TopicConfig(unique("T"), 4, 4, PermName.PERM_WRITE));
        assertEquals(SendStatus.SEND_OK, send(producer(), writeOnly, "", "m").getSendStatus());
        assertEquals(ResponseCode.NO_PERMISSION,
            refusal(() -> pullConsumer(group()).pull(queue(writeOnly, 0), "*", 0, 1)));
    }

    @Test
    @Feature(area = AREA, name = "topics that only the broker writes refuse sends with NO_PERMISSION")
    void systemTopicsRefuseSends() {
        for (String topic : List.of("SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC",
            "TRANS_CHECK_MAX_TIME_TOPIC", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT")) {
            RemotingCommand answer = request(RequestCode.SEND_MESSAGE, header(topic, 0), bytes("m"));
            assertEquals(ResponseCode.NO_PERMISSION, answer.getCode(), topic + ": " + answer.getRemark());
        }
    }

    @Test
    @Feature(area = AREA, name = "wrong topic names are refused with INVALID_PARAMETER")
    void wrongTopicNamesAreRefused() {
        for (String topic : List.of("", " ", "with space", "name,", "a".repeat(128))) {
            RemotingCommand answer = request(RequestCode.SEND_MESSAGE, header(topic, 0), bytes("m"));
            assertEquals(ResponseCode.INVALID_PARAMETER, answer.getCode(), topic + ": " + answer.getRemark());
        }
    }

    @Test
    @Feature(area = AREA, name = "queue id -1 lets the broker choose; ids beyond the topic's queues are refused")
    void theBrokerChoosesAQueueForIdMinusOne() throws Exception {
        String topic = topic(4);
        for (int queueId : new int[] {-1, -100}) {
            RemotingCommand answer = request(RequestCode.SEND_MESSAGE, header(topic, queueId), bytes("m"));
            assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
            SendMessageResponseHeader fields = answer.decodeCommandCustomHeader(SendMessageResponseHeader.class);
            assertTrue(fields.getQueueId() >= 0 && fields.getQueueId() < 4, "queue " + fields.getQueueId());
        }
        assertEquals(ResponseCode.INVALID_PARAMETER,
            request(RequestCode.SEND_MESSAGE, header(topic, 4), bytes("m")).getCode());
        MessageQueue beyond = queue(topic, 100);
        DefaultMQProducer producer = producer();
        assertEquals(ResponseCode.INVALID_PARAMETER, refusal(() -> producer.send(new Message(topic, bytes("m")), beyond)));
        CompletableFuture<SendResult> result = new CompletableFuture<>();
        producer.send(new Message(topic, bytes("m")), beyond, callback(result));
        await("failure of the asynchronous send", result::isCompletedExceptionally);
    }

    @Test
    @Feature(area = AREA, name = "topics named after the broker and the cluster exist")
    void topicsOfTheBrokerAndTheClusterExist() throws Exception {
        assertEquals(SendStatus.SEND_OK, send(producer(), broker.name, "", "m").getSendStatus());
        assertEquals(SendStatus.SEND_OK, send(producer(), cluster.name, "", "m").getSendStatus());
        assertEquals(1, admin.examineTopicConfig(broker.address, broker.name).getWriteQueueNums());
        assertEquals(16, admin.examineTopicConfig(broker.address, cluster.name).getWriteQueueNums());
    }

    @Test
    @Feature(area = AREA, name = "message ids: unique id of the client, offset id of the broker")
    void messageIdsLeadToTheMessage() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        SendResult sent = send(producer, topic, "", "by id");
        assertEquals(32, sent.getOffsetMsgId().length());
        assertEquals("by id", new String(producer.viewMessage(topic, sent.getOffsetMsgId()).getBody()));
        MessageExt byUniqueId = await("index entry of the message", () -> producer.viewMessage(topic, sent.getMsgId()),
            message -> message != null);
        assertEquals("by id", new String(byUniqueId.getBody()));
    }

    @Test
    @Feature(area = AREA, name = "namespaces prefix topics and groups")
    @SuppressWarnings("deprecation")
    void aNamespacePrefixesTheTopic() throws Exception {
        String topic = unique("T");
        String namespace = unique("space");
        DefaultMQProducer producer = producer(settings -> settings.setNamespace(namespace));
        send(producer, topic, "", "inside");
        admin.examineTopicConfig(broker.address, namespace + "%" + topic);
        Inbox inbox = consume(group(), consumer -> {
            consumer.setNamespace(namespace);
            run(() -> consumer.subscribe(topic, "*"));
        });
        assertEquals(topic, inbox.await(1).get(0).getTopic());
    }

    @Test
    @Feature(area = AREA, name = "a second producer of a group on the same client is refused, on another client it is not")
    void producersOfOneGroup() {
        String topic = topic();
        DefaultMQProducer first = producer();
        DefaultMQProducer second = producer(settings -> settings.setProducerGroup(first.getProducerGroup()));
        send(first, topic, "", "1");
        send(second, topic, "", "2");
        DefaultMQProducer same = new DefaultMQProducer(first.getProducerGroup());
        configured(same).setInstanceName(first.getInstanceName());
        MQClientException refused = assertThrows(MQClientException.class, same::start);
        assertTrue(refused.getMessage().contains("has been created before"), refused.getMessage());
    }

    @Test
    @Feature(area = AREA, name = "the client refuses what no broker would take")
    void theClientRefusesImpossibleMessages() {
        DefaultMQProducer producer = producer();
        String topic = topic();
        for (Message message : List.of(new Message(topic, new byte[0]), new Message("", bytes("m")),
            new Message(topic, new byte[4 * 1024 * 1024 + 1]), new Message("wrong topic", bytes("m")))) {
            assertThrows(MQClientException.class, () -> producer.send(message), message.toString());
        }
    }

    private static SendMessageRequestHeader header(String topic, int queueId) {
        SendMessageRequestHeader header = new SendMessageRequestHeader();
        header.setProducerGroup("raw");
        header.setTopic(topic);
        header.setDefaultTopic("TBW102");
        header.setDefaultTopicQueueNums(4);
        header.setQueueId(queueId);
        header.setSysFlag(0);
        header.setBornTimestamp(System.currentTimeMillis());
        header.setFlag(0);
        header.setProperties("");
        header.setReconsumeTimes(0);
        return header;
    }

    private static SendCallback callback(CompletableFuture<SendResult> result) {
        return new SendCallback() {
            @Override
            public void onSuccess(SendResult sent) {
                result.complete(sent);
            }

            @Override
            public void onException(Throwable error) {
                result.completeExceptionally(error);
            }
        };
    }
}
