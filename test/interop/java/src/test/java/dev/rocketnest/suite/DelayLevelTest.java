package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.topic.TopicValidator;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.junit.jupiter.api.Test;

/** Delay levels; the servers' level 5 takes 3 s, level 18 an hour, all others 1 s. */
class DelayLevelTest extends SuiteTest {

    private static final String AREA = "Delay levels";

    @Test
    @Feature(area = AREA, name = "a message arrives when its level has passed, not before")
    void aDelayedMessageArrivesInTime() throws Exception {
        String topic = topic();
        Inbox inbox = consume(group(), topic, "TagA");
        SendResult sent = sendDelayed(producer(), topic, 5, "later");
        assertEquals(SendStatus.SEND_OK, sent.getSendStatus());
        MessageExt received = inbox.await(1).get(0);
        long waited = received.getStoreTimestamp() - received.getBornTimestamp();
        assertTrue(waited >= 2_900 && waited < 10_000, waited + " ms");
        assertEquals(topic, received.getTopic());
        assertEquals(sent.getMsgId(), received.getMsgId());
        assertEquals("key", received.getKeys());
        assertEquals("TagA", received.getTags());
        assertEquals("later", new String(received.getBody()));
        assertEquals(0, received.getReconsumeTimes());
    }

    @Test
    @Feature(area = AREA, name = "levels run beside each other: a short one overtakes a long one")
    void aShortLevelOvertakesALongOne() throws Exception {
        String topic = topic();
        Inbox inbox = consume(group(), topic, "*");
        DefaultMQProducer producer = producer();
        sendDelayed(producer, topic, 5, "long");
        sendDelayed(producer, topic, 1, "short");
        inbox.await(2);
        assertEquals(List.of("short", "long"), inbox.bodies());
    }

    @Test
    @Feature(area = AREA, name = "messages of one level and queue keep their order")
    void messagesOfOneLevelKeepTheirOrder() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 20; i++) {
            sendDelayed(producer, topic, 1, Integer.toString(i));
        }
        Inbox inbox = consume(group(), topic, "*");
        for (MessageExt message : inbox.await(20)) {
            assertEquals(new String(message.getBody()), Long.toString(message.getQueueOffset()));
        }
    }

    @Test
    @Feature(area = AREA, name = "a level above the highest is the highest; level 0 is no delay")
    void aLevelAboveTheHighestIsTheHighest() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        long before = scheduled(18);
        assertEquals(SendStatus.SEND_OK, sendDelayed(producer, topic, 50, "in an hour").getSendStatus());
        await("the message in the queue of level 18", () -> scheduled(18) == before + 1);
        sendDelayed(producer, topic, 0, "now");
        Inbox inbox = consume(group(), topic, "*");
        inbox.await(1);
        assertEquals(List.of("now"), inbox.bodies());
    }

    @Test
    @Feature(area = AREA, name = "progress of the levels (GET_ALL_DELAY_OFFSET)")
    void progressOfTheLevelsCanBeRead() throws Exception {
        String topic = topic();
        sendDelayed(producer(), topic, 2, "m");
        long sent = scheduled(2);
        await("delivery of level 2 up to " + sent, () -> {
            RemotingCommand answer = request(RequestCode.GET_ALL_DELAY_OFFSET, null, null);
            assertEquals(ResponseCode.SUCCESS, answer.getCode());
            return new String(answer.getBody());
        }, json -> json.matches("(?s).*\"?\\b2\"?\\s*:\\s*" + sent + "\\b.*"));
    }

    private static long scheduled(int level) throws Exception {
        return admin.maxOffset(queue(TopicValidator.RMQ_SYS_SCHEDULE_TOPIC, level - 1));
    }

    private static SendResult sendDelayed(DefaultMQProducer producer, String topic, int level, String body)
        throws Exception {
        Message message = new Message(topic, "TagA", "key", bytes(body));
        message.setDelayTimeLevel(level);
        return producer.send(message);
    }
}
