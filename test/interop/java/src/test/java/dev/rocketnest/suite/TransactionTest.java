package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.topic.TopicValidator;
import org.junit.jupiter.api.Test;

/** The servers ask after 1 s, every second, 3 times at most; Apache's may ask and deliver more often than needed. */
class TransactionTest extends SuiteTest {

    private static final String AREA = "Transactions";

    /** Answers as told, and remembers what it was asked. */
    private static final class Outcomes implements TransactionListener {
        final Map<String, Long> checkedAt = new ConcurrentHashMap<>();
        final List<MessageExt> checked = new ArrayList<>();
        private final Function<String, LocalTransactionState> first;
        private final Function<String, LocalTransactionState> whenAsked;

        Outcomes(Function<String, LocalTransactionState> first, Function<String, LocalTransactionState> whenAsked) {
            this.first = first;
            this.whenAsked = whenAsked;
        }

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object arg) {
            return first.apply(new String(message.getBody()));
        }

        @Override
        public synchronized LocalTransactionState checkLocalTransaction(MessageExt message) {
            String body = new String(message.getBody());
            checked.add(message);
            checkedAt.putIfAbsent(body, System.currentTimeMillis());
            return whenAsked.apply(body);
        }

        synchronized List<MessageExt> checked() {
            return List.copyOf(checked);
        }
    }

    private static final Function<String, LocalTransactionState> UNKNOWN = body -> LocalTransactionState.UNKNOW;
    private static final Function<String, LocalTransactionState> COMMIT = body -> LocalTransactionState.COMMIT_MESSAGE;
    private static final Function<String, LocalTransactionState> BY_BODY = body ->
        body.startsWith("commit") ? LocalTransactionState.COMMIT_MESSAGE
            : body.startsWith("rollback") ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.UNKNOW;

    @Test
    @Feature(area = AREA, name = "commit and rollback")
    void onlyCommittedMessagesAreConsumed() {
        String topic = topic();
        TransactionMQProducer producer = transactionProducer(group(), new Outcomes(BY_BODY, BY_BODY));
        TransactionSendResult rolledBack = send(producer, topic, "rollback");
        assertEquals(LocalTransactionState.ROLLBACK_MESSAGE, rolledBack.getLocalTransactionState());
        TransactionSendResult committed = send(producer, topic, "commit");
        assertEquals(SendStatus.SEND_OK, committed.getSendStatus());
        send(producer, topic, "commit too");
        Inbox inbox = consume(group(), topic, "*");
        inbox.awaitEach("commit", "commit too");
        MessageExt received = inbox.messages().stream()
            .filter(message -> "commit".equals(new String(message.getBody()))).findFirst().get();
        assertEquals(committed.getMsgId(), received.getMsgId());
        assertEquals("key", received.getKeys());
        assertEquals("TagA", received.getTags());
        assertEquals(topic, received.getTopic());
    }

    @Test
    @Feature(area = AREA, name = "check-back of undecided transactions")
    void undecidedTransactionsAreAskedFor() {
        String topic = topic();
        Outcomes outcomes = new Outcomes(UNKNOWN, BY_BODY);
        TransactionMQProducer producer = transactionProducer(group(), outcomes);
        for (String body : List.of("commit 1", "rollback 1", "commit 2", "rollback 2")) {
            send(producer, topic, body);
        }
        Inbox inbox = consume(group(), topic, "*");
        inbox.awaitEach("commit 1", "commit 2");
        await("a check of every transaction", () -> outcomes.checkedAt.size() == 4);
        MessageExt asked = outcomes.checked().get(0);
        assertEquals(topic, asked.getTopic());
        assertEquals("key", asked.getKeys());
    }

    @Test
    @Feature(area = AREA, name = "a transaction without a decision goes to TRANS_CHECK_MAX_TIME_TOPIC after the last check")
    void undecidedTransactionsAreDiscarded() throws Exception {
        String topic = topic();
        long before = discarded();
        Outcomes outcomes = new Outcomes(UNKNOWN, UNKNOWN);
        String body = "never decided";
        TransactionSendResult sent = send(transactionProducer(group(), outcomes), topic, body);
        DefaultMQPullConsumer consumer = pullConsumer(group());
        MessageExt last = await("the discarded message", () -> find(sent.getMsgId(), consumer.pull(
            queue(TopicValidator.RMQ_SYS_TRANS_CHECK_MAX_TIME_TOPIC, 0), "*", before, 32).getMsgFoundList()),
            message -> message != null);
        assertTrue(outcomes.checked().size() >= 1, "checked " + outcomes.checked().size() + " times");
        assertEquals(body, new String(last.getBody()));
        assertEquals(topic, last.getProperty(MessageConst.PROPERTY_REAL_TOPIC));
    }

    @Test
    @Feature(area = AREA, name = "every producer group is asked for its own transactions")
    void everyGroupIsAskedForItsOwn() {
        String topic = topic();
        List<Outcomes> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Outcomes outcomes = new Outcomes(UNKNOWN, COMMIT);
            send(transactionProducer(group(), outcomes), topic, "of group " + i);
            all.add(outcomes);
        }
        consume(group(), topic, "*").awaitEach("of group 0", "of group 1", "of group 2", "of group 3");
        for (int i = 0; i < 4; i++) {
            assertEquals(Set.of("of group " + i), all.get(i).checkedAt.keySet());
        }
    }

    @Test
    @Feature(area = AREA, name = "another producer of the group answers for one that is gone")
    void anotherProducerOfTheGroupAnswers() {
        String topic = topic();
        String group = group();
        TransactionMQProducer gone = transactionProducer(group, new Outcomes(UNKNOWN, UNKNOWN));
        send(gone, topic, "left behind");
        gone.shutdown();
        TransactionMQProducer other = transactionProducer(group, new Outcomes(COMMIT, COMMIT));
        send(other, topic, "of its own"); // only now does it know the broker, and the broker it
        consume(group(), topic, "*").awaitEach("left behind", "of its own");
    }

    private static MessageExt find(String msgId, List<MessageExt> messages) {
        return messages == null ? null
            : messages.stream().filter(message -> msgId.equals(message.getMsgId())).findFirst().orElse(null);
    }

    private static long discarded() throws Exception {
        return admin.maxOffset(queue(TopicValidator.RMQ_SYS_TRANS_CHECK_MAX_TIME_TOPIC, 0));
    }

    private static Message message(String topic, String body) {
        return new Message(topic, "TagA", "key", bytes(body));
    }

    private static TransactionSendResult send(TransactionMQProducer producer, String topic, String body) {
        return get(() -> producer.sendMessageInTransaction(message(topic, body), null));
    }
}
