package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alibaba.fastjson2.JSON;
import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.producer.RecallMessageHandle;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.junit.jupiter.api.Test;

/** Messages that are due at a time of their own. */
class TimerTest extends SuiteTest {

    private static final String AREA = "Timer messages";
    private static final long HOUR = 3_600_000;
    /** Apache's slots of 1 s, and a busy machine. */
    private static final long LATE = 6_000;

    @Test
    @Feature(area = AREA, name = "deliver at a time (TIMER_DELIVER_MS)")
    void aMessageArrivesAtItsTime() throws Exception {
        String topic = topic();
        Inbox inbox = consume(group(), topic, "TagA");
        long due = System.currentTimeMillis() + 1_500;
        SendResult sent = send(topic, "later", message -> message.setDeliverTimeMs(due));
        assertEquals(SendStatus.SEND_OK, sent.getSendStatus());
        MessageExt received = inbox.await(1).get(0);
        assertInTime(due, received);
        assertEquals(topic, received.getTopic());
        assertEquals(sent.getMsgId(), received.getMsgId());
        assertEquals("TagA", received.getTags());
        assertEquals("key", received.getKeys());
        assertEquals("later", new String(received.getBody()));
        assertEquals(0, received.getReconsumeTimes());
    }

    @Test
    @Feature(area = AREA, name = "delay in seconds and in milliseconds (TIMER_DELAY_SEC, TIMER_DELAY_MS)")
    void aMessageMaySayHowLong() throws Exception {
        String topic = topic();
        Inbox inbox = consume(group(), topic, "*");
        long start = System.currentTimeMillis();
        send(topic, "seconds", message -> message.setDelayTimeSec(1));
        send(topic, "milliseconds", message -> message.setDelayTimeMs(1_200));
        for (MessageExt received : inbox.await(2)) {
            assertInTime(start + ("seconds".equals(new String(received.getBody())) ? 1_000 : 1_200), received);
        }
    }

    @Test
    @Feature(area = AREA, name = "what consumers see of it (TIMER_OUT_MS and others)")
    void theConsumerSeesWhatHappened() throws Exception {
        String topic = topic(1);
        Inbox inbox = consume(group(), topic, "*");
        long due = (System.currentTimeMillis() / 1_000 + 3) * 1_000;
        send(topic, "on the second", message -> message.setDeliverTimeMs(due));
        Map<String, String> properties = inbox.await(1).get(0).getProperties();
        assertEquals(Long.toString(due), properties.get(MessageConst.PROPERTY_TIMER_DELIVER_MS));
        assertEquals(Long.toString(due - 1_000), properties.get(MessageConst.PROPERTY_TIMER_OUT_MS));
        assertEquals(topic, properties.get(MessageConst.PROPERTY_REAL_TOPIC));
        assertEquals("0", properties.get(MessageConst.PROPERTY_REAL_QUEUE_ID));
        assertEquals(0, Long.parseLong(properties.get(MessageConst.PROPERTY_TIMER_ENQUEUE_MS)) % 1_000);
        assertTrue(Long.parseLong(properties.get(MessageConst.PROPERTY_TIMER_DEQUEUE_MS)) >= due);
    }

    @Test
    @Feature(area = AREA, name = "messages arrive by their time, not by the order they were sent in")
    void theEarlierTimeComesFirst() throws Exception {
        String topic = topic(1);
        long start = System.currentTimeMillis();
        send(topic, "second", message -> message.setDeliverTimeMs(start + 3_500));
        send(topic, "first", message -> message.setDeliverTimeMs(start + 500));
        Inbox inbox = consume(group(), topic, "*");
        inbox.await(2);
        assertEquals(List.of("first", "second"), inbox.bodies());
    }

    @Test
    @Feature(area = AREA, name = "a time that is over means now")
    void aTimeThatIsOverMeansNow() throws Exception {
        String topic = topic();
        send(topic, "now", message -> message.setDeliverTimeMs(System.currentTimeMillis() - HOUR));
        assertNull(consume(group(), topic, "*").await(1).get(0).getProperty(MessageConst.PROPERTY_TIMER_OUT_MS));
    }

    @Test
    @Feature(area = AREA, name = "a delay level beside a time wins")
    void aDelayLevelWins() throws Exception {
        String topic = topic();
        send(topic, "level", message -> {
            message.setDeliverTimeMs(System.currentTimeMillis() + HOUR);
            message.setDelayTimeLevel(1);
        });
        MessageExt received = consume(group(), topic, "*").await(1).get(0);
        assertNull(received.getProperty(MessageConst.PROPERTY_TIMER_DELIVER_MS));
    }

    @Test
    @Feature(area = AREA, name = "refusal of a delay beyond timerMaxDelaySec and of a time that is none")
    void tooLongDelaysAreRefused() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        producer.setRetryTimesWhenSendFailed(0);
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, refusal(() ->
            send(producer, topic, "x", message -> message.setDelayTimeSec(3 * 24 * 3600 + 1))));
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, refusal(() ->
            send(producer, topic, "x", message -> message.getProperties().put("TIMER_DELIVER_MS", "soon"))));
        assertEquals(SendStatus.SEND_OK,
            send(producer, topic, "x", message -> message.setDelayTimeSec(3 * 24 * 3600 - 1)).getSendStatus());
        configure("timerMaxDelaySec", "60", "259200");
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, refusal(() ->
            send(producer, topic, "x", message -> message.setDelayTimeSec(61))));
    }

    @Test
    @Feature(area = AREA, name = "recall of a message (RECALL_MESSAGE)")
    void aRecalledMessageIsNotDelivered() throws Exception {
        configure("recallMessageEnable", "true", "false");
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        long due = System.currentTimeMillis() + 4_000;
        List<SendResult> sent = new ArrayList<>();
        for (String body : List.of("kept", "recalled", "kept, too")) {
            sent.add(send(producer, topic, body, message -> message.setDeliverTimeMs(due)));
        }
        String handle = sent.get(1).getRecallHandle();
        RecallMessageHandle.HandleV1 decoded =
            (RecallMessageHandle.HandleV1) RecallMessageHandle.decodeHandle(handle);
        assertEquals(topic, decoded.getTopic());
        assertEquals(broker.name, decoded.getBrokerName());
        assertEquals((due - 1) / 1_000 * 1_000 + 1, Long.parseLong(decoded.getTimestampStr()));
        assertEquals(sent.get(1).getMsgId(), producer.recallMessage(topic, handle));
        send(producer, topic, "last", message -> message.setDeliverTimeMs(due + 1_000));
        assertEquals(List.of("kept", "kept, too", "last"), consume(group(), topic, "*").awaitBodies(3));
    }

    @Test
    @Feature(area = AREA, name = "recalls that name the topic, too (appendTopicForTimerDeleteKey)")
    void aRecallOfAnotherTopicTakesNothing() throws Exception {
        configure("recallMessageEnable", "true", "false");
        configure("appendTopicForTimerDeleteKey", "true", "false");
        String topic = topic(1);
        String other = topic(1);
        DefaultMQProducer producer = producer();
        long due = System.currentTimeMillis() + 3_000;
        SendResult kept = send(producer, topic, "kept", message -> message.setDeliverTimeMs(due));
        SendResult recalled = send(producer, topic, "recalled", message -> message.setDeliverTimeMs(due));
        send(producer, other, "x", message -> message.setDeliverTimeMs(due));
        String elsewhere = RecallMessageHandle.HandleV1.buildHandle(other, broker.name,
            Long.toString((due - 1) / 1_000 * 1_000 + 1), kept.getMsgId());
        producer.recallMessage(other, elsewhere);
        producer.recallMessage(topic, recalled.getRecallHandle());
        consume(group(), other, "*").await(1);
        assertEquals(List.of("kept"), consume(group(), topic, "*").awaitBodies(1));
    }

    @Test
    @Feature(area = AREA, name = "refusal of recalls: switched off, delivered, of another topic, no handle")
    void recallsAreRefused() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        assertNull(send(producer, topic, "TagA", "no timer message").getRecallHandle());
        String handle = send(producer, topic, "x", message -> message.setDelayTimeSec(3600)).getRecallHandle();
        assertNotNull(handle);
        assertEquals(ResponseCode.NO_PERMISSION, refusal(() -> producer.recallMessage(topic, handle)));

        configure("recallMessageEnable", "true", "false");
        String other = topic();
        assertEquals(ResponseCode.ILLEGAL_OPERATION, refusal(() -> producer.recallMessage(other, handle)));
        long due = System.currentTimeMillis() + 1_200;
        String early = send(producer, topic, "x", message -> message.setDeliverTimeMs(due)).getRecallHandle();
        consume(group(), topic, "*").await(2);
        assertEquals(ResponseCode.ILLEGAL_OPERATION, refusal(() -> producer.recallMessage(topic, early)));
        String elsewhere = RecallMessageHandle.HandleV1.buildHandle(topic, "nobody",
            Long.toString(System.currentTimeMillis() + HOUR), "ID");
        assertEquals(ResponseCode.ILLEGAL_OPERATION, refusal(() -> producer.recallMessage(topic, elsewhere)));
    }

    @Test
    @Feature(area = AREA, name = "waiting messages survive a restart of the broker")
    void waitingMessagesSurviveARestart() throws Exception {
        surviveRestart(broker::restart);
    }

    @Test
    @Feature(area = AREA, name = "waiting messages survive kill -9 of the broker")
    void waitingMessagesSurviveAKill() throws Exception {
        surviveRestart(broker::killAndRestart);
    }

    private void surviveRestart(Runnable restart) throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        long start = System.currentTimeMillis();
        send(producer, topic, "while it is down", message -> message.setDeliverTimeMs(start + 2_500));
        send(producer, topic, "later", message -> message.setDeliverTimeMs(start + 6_000));
        restart.run();
        long back = System.currentTimeMillis();
        Inbox inbox = consume(group(), topic, "*");
        await("both messages, got " + inbox.bodies(), () -> inbox.bodies().contains("later")); // after a kill some come twice
        assertEquals("while it is down", inbox.bodies().get(0));
        MessageExt last = inbox.messages().get(inbox.bodies().indexOf("later"));
        assertTrue(last.getStoreTimestamp() >= start + 6_000, "early");
        assertTrue(last.getStoreTimestamp() < Math.max(start + 6_000, back) + LATE, "late");
    }

    @Test
    @Feature(area = AREA, name = "progress and counts (GET_TIMER_CHECK_POINT, GET_TIMER_METRICS, brokerStatus)")
    void progressCanBeRead() throws Exception {
        String topic = topic();
        send(topic, "in an hour", message -> message.setDelayTimeSec(3600));
        await("the count of the topic", () -> {
            RemotingCommand answer = request(RequestCode.GET_TIMER_METRICS, null, null);
            assertEquals(ResponseCode.SUCCESS, answer.getCode());
            return JSON.parseObject(new String(answer.getBody())).getJSONObject("timingCount").getJSONObject(topic)
                .getIntValue("count") == 1;
        });
        await("the checkpoint", () -> {
            RemotingCommand answer = request(RequestCode.GET_TIMER_CHECK_POINT, null, null);
            assertEquals(ResponseCode.SUCCESS, answer.getCode());
            ByteBuffer checkpoint = ByteBuffer.wrap(answer.getBody());
            assertEquals(56, checkpoint.remaining());
            long behind = System.currentTimeMillis() - checkpoint.getLong(0);
            return behind < 60_000 && checkpoint.getLong(8) % 52 == 0 && checkpoint.getLong(16) > 0;
        });
        Map<String, String> info = admin.fetchBrokerRuntimeStats(broker.address).getTable();
        assertTrue(Long.parseLong(info.get("timerCongestNum")) >= 1, info.toString());
        assertTrue(Long.parseLong(info.get("timerReadBehind")) < 60, info.toString());
        assertEquals("0", info.get("timerOffsetBehind"));
        Float.parseFloat(info.get("timerEnqueueTps"));
        Float.parseFloat(info.get("timerDequeueTps"));
    }

    private SendResult send(String topic, String body, Consumer<Message> settings) throws Exception {
        return send(producer(), topic, body, settings);
    }

    private static SendResult send(DefaultMQProducer producer, String topic, String body, Consumer<Message> settings)
        throws Exception {
        Message message = new Message(topic, "TagA", "key", bytes(body));
        settings.accept(message);
        return producer.send(message);
    }

    private static void assertInTime(long due, MessageExt received) {
        long late = received.getStoreTimestamp() - due;
        assertTrue(late >= 0, "early by " + -late + " ms");
        assertTrue(late < LATE, "late by " + late + " ms");
    }

    /** Changes a key of the broker's configuration until the test is over. */
    private void configure(String key, String value, String before) {
        setConfig(key, value);
        closeLater(() -> setConfig(key, before));
    }

    private static void setConfig(String key, String value) {
        Properties properties = new Properties();
        properties.setProperty(key, value);
        run(() -> admin.updateBrokerConfig(broker.address, properties));
    }
}
