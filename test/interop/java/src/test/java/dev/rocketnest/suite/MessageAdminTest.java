package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.topic.TopicValidator;
import org.apache.rocketmq.tools.admin.api.MessageTrack;
import org.apache.rocketmq.tools.admin.api.TrackType;
import org.junit.jupiter.api.Test;

/** What an operator does with single messages. */
class MessageAdminTest extends SuiteTest {

    private static final String AREA = "Messages";

    @Test
    @Feature(area = AREA, name = "found by tag (index type T)")
    void messagesAreFoundByTag() throws Exception {
        String topic = topic(1);
        var producer = producer();
        send(producer, topic, "red", "r1");
        send(producer, topic, "green", "g");
        send(producer, topic, "red", "r2");
        List<String> found = await("two red ones", () -> admin.queryMessage(null, topic, "red", 32, 0,
            System.currentTimeMillis() + 60_000, "T", null).getMessageList().stream().map(MessageAdminTest::text)
            .sorted().collect(Collectors.toList()), texts -> texts.size() == 2);
        assertEquals(List.of("r1", "r2"), found);
    }

    @Test
    @Feature(area = AREA, name = "track: which groups have consumed a message")
    void theTrackOfAMessageTellsWhoConsumedIt() throws Exception {
        String topic = topic(1);
        var producer = producer();
        SendResult sent = send(producer, topic, "TagA", "tracked");
        Inbox consumed = consume(group(), topic, "*");
        Inbox filtered = consume(group(), topic, "TagB");
        consumed.await(1);
        MessageExt message = admin.viewMessage(topic, sent.getOffsetMsgId());
        await("both groups' tracks", () -> trackType(message, consumed) == TrackType.CONSUMED
            && trackType(message, filtered) == TrackType.CONSUMED_BUT_FILTERED);
        consumed.consumer.shutdown();
        await("an absent group", () -> trackType(message, consumed) == TrackType.NOT_ONLINE);
    }

    @Test
    @Feature(area = AREA, name = "pushed to one consumer again (queryMsgById -g -d)")
    void aMessageIsPushedToAConsumer() throws Exception {
        String topic = topic(1);
        SendResult sent = send(producer(), topic, "TagA", "again");
        Inbox inbox = consume(group(), topic, "*");
        inbox.await(1);
        String printed = mqadmin("queryMsgById", "-t", topic, "-i", sent.getOffsetMsgId(),
            "-g", inbox.consumer.getConsumerGroup(), "-d", inbox.consumer.buildMQClientId());
        assertTrue(printed.contains("CR_SUCCESS"), printed);
        assertEquals(List.of("again", "again"), inbox.bodies());
    }

    @Test
    @Feature(area = AREA, name = "sent again (queryMsgById -s)")
    void aMessageIsSentAgain() throws Exception {
        String topic = topic(1);
        SendResult sent = send(producer(), topic, "TagA", "twice");
        String printed = mqadmin("queryMsgById", "-t", topic, "-i", sent.getOffsetMsgId(), "-s", "true", "-u", "unit");
        assertTrue(printed.contains("prepare resend msg. originalMsgId=" + sent.getOffsetMsgId()), printed);
        Inbox inbox = consume(group(), topic, "*");
        inbox.await(2);
        assertEquals(List.of("twice", "twice"), inbox.bodies());
    }

    @Test
    @Feature(area = AREA, name = "an undecided transaction is checked again on request")
    void aHalfMessageThatWasGivenUpIsCheckedAgain() throws Exception {
        String topic = topic(1);
        AtomicInteger checks = new AtomicInteger();
        AtomicInteger resumedAfter = new AtomicInteger(Integer.MAX_VALUE);
        TransactionMQProducer producer = transactionProducer(unique("P"), new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return checks.incrementAndGet() > resumedAfter.get() ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.UNKNOW;
            }
        });
        byte[] body = "half".getBytes(StandardCharsets.UTF_8);
        SendResult sent = producer.sendMessageInTransaction(new Message(topic, body), null);
        Inbox inbox = consume(group(), topic, "*");
        await("the message among those that were given up",
            () -> admin.queryMessage(null, TopicValidator.RMQ_SYS_TRANS_CHECK_MAX_TIME_TOPIC, sent.getMsgId()) != null);
        int seen = checks.get();
        assertEquals(List.of(), inbox.bodies());
        resumedAfter.set(seen);
        assertTrue(admin.resumeCheckHalfMessage(TopicValidator.RMQ_SYS_TRANS_CHECK_MAX_TIME_TOPIC, sent.getMsgId()));
        assertEquals("half", text(inbox.await(1).get(0)));
        assertEquals(seen + 1, checks.get());
    }

    private static String text(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static TrackType trackType(MessageExt message, Inbox inbox) throws Exception {
        String group = inbox.consumer.getConsumerGroup();
        return admin.messageTrackDetail(message).stream().filter(track -> track.getConsumerGroup().equals(group))
            .map(MessageTrack::getTrackType).findFirst().orElse(null);
    }
}
