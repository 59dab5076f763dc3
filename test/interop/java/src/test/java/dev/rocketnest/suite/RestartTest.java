package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.Test;

/** What is there after the broker stopped, cleanly or by kill -9, and started again. One restart shows many things. */
class RestartTest extends SuiteTest {

    private static final String AREA = "Restart of the broker";

    @Test
    @Feature(area = AREA, name = "after a clean stop: messages, topics, offsets, keys, delayed messages, undecided transactions")
    void everythingSurvivesACleanStop() throws Exception {
        everythingSurvives(true);
    }

    @Test
    @Feature(area = AREA, name = "after kill -9: messages, topics, keys, delayed messages, undecided transactions")
    void everythingSurvivesAKill() throws Exception {
        everythingSurvives(false);
    }

    private void everythingSurvives(boolean clean) throws Exception {
        String topic = topic();
        String group = group();
        DefaultMQProducer producer = producer();
        Inbox before = consume(group, topic, "*");
        for (int i = 0; i < 40; i++) {
            producer.send(new Message(topic, "TagA", "key" + i, bytes("before " + i)));
        }
        before.await(40);
        before.consumer.shutdown();

        String delayedTopic = topic();
        Message delayed = new Message(delayedTopic, bytes("delayed"));
        delayed.setDelayTimeLevel(5);
        SendResult sent = producer.send(delayed);
        assertEquals(SendStatus.SEND_OK, sent.getSendStatus());

        // A client needs some seconds to find a broker that came back, in which its transactions must not be given up.
        setTransactionCheckMax(1_000);
        closeLater(() -> setTransactionCheckMax(3));
        String transactionTopic = topic();
        Set<String> asked = new ConcurrentSkipListSet<>();
        AtomicBoolean restarted = new AtomicBoolean();
        TransactionMQProducer transactional = transactionProducer(group(), new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object arg) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                if (!restarted.get()) {
                    return LocalTransactionState.UNKNOW;
                }
                String body = new String(message.getBody());
                asked.add(body);
                return body.startsWith("commit")
                    ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
            }
        });
        for (String body : List.of("commit", "rollback")) {
            transactional.sendMessageInTransaction(new Message(transactionTopic, bytes(body)), null);
        }

        if (clean) {
            broker.restart();
        } else {
            broker.killAndRestart();
        }
        restarted.set(true);

        await("a send", () -> producer.send(new Message(topic, "TagA", "later", bytes("after"))).getSendStatus()
            == SendStatus.SEND_OK);
        assertEquals(4, admin.examineTopicConfig(broker.address, topic).getWriteQueueNums());
        await("the message with key7", () -> admin.queryMessage(topic, "key7", 32, 0, System.currentTimeMillis() + 60_000)
            .getMessageList().size() == 1);
        if (clean) {
            Inbox rest = consume(group, topic, "*");
            rest.await(1);
            assertEquals(Set.of("after"), Set.copyOf(rest.bodies()));
        }
        Inbox all = consume(group(), topic, "*");
        assertEquals(41, Set.copyOf(all.awaitBodies(41)).size());

        MessageExt late = consume(group(), delayedTopic, "*").await(1).get(0);
        assertEquals("delayed", new String(late.getBody()));
        assertTrue(late.getStoreTimestamp() - late.getBornTimestamp() >= 2_900);

        Inbox decided = consume(group(), transactionTopic, "*");
        decided.await(1);
        await("a check of both", () -> asked.size() == 2);
        assertEquals(Set.of("commit"), Set.copyOf(decided.bodies()));
    }

    private static void setTransactionCheckMax(int checks) throws Exception {
        Properties changed = new Properties();
        changed.setProperty("transactionCheckMax", Integer.toString(checks));
        admin.updateBrokerConfig(broker.address, changed);
    }
}
