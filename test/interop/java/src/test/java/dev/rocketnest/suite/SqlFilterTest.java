package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.junit.jupiter.api.Test;

@SuppressWarnings("deprecation") // pull consumers show what the broker answers to a single pull
class SqlFilterTest extends SuiteTest {

    private static final String AREA = "SQL92 filters";

    /** Expressions, and the bodies of the messages below that match. A text that is no int never matches an int literal. */
    private static Map<String, String> expressions() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("a > 5", "m2");
        all.put("a >= 5", "m1 m2");
        all.put("a < 5", "m0");
        all.put("a <= 5 AND b = 'x'", "m0");
        all.put("a = 5", "m1");
        all.put("a <> 5", "m0 m2");
        all.put("a = 10 OR a = 1", "m0 m2");
        all.put("a BETWEEN 2 AND 10", "m1 m2");
        all.put("a NOT BETWEEN 2 AND 10", "m0");
        all.put("a > 5.5", "m2 m3");
        all.put("a > -1", "m0 m1 m2");
        all.put("a > 2147483648", "m3");
        all.put("b IN ('x', 'y')", "m0 m1");
        all.put("b NOT IN ('x', 'y')", "m2 m5");
        all.put("b IS NULL", "m3 m4");
        all.put("b IS NOT NULL", "m0 m1 m2 m5");
        all.put("b CONTAINS 'ell'", "m2");
        all.put("b NOT CONTAINS 'ell'", "m0 m1 m5");
        all.put("b STARTSWITH 'he'", "m2");
        all.put("b NOT STARTSWITH 'he'", "m0 m1 m5");
        all.put("b ENDSWITH 'lo'", "m2");
        all.put("b NOT ENDSWITH 'lo'", "m0 m1 m5");
        all.put("b = 'it''s'", "m5");
        all.put("c = TRUE", "m0 m4");
        all.put("c = false", "m1");
        all.put("NOT (c = TRUE)", "m1");
        all.put("a > 5 OR c", "m2");
        all.put("a > 0 AND missing IS NULL AND TRUE", "m0 m1 m2");
        all.put("missing = other", "m0 m1 m2 m3 m4 m5");
        all.put("a > 1 AND (b = 'hello' OR TAGS = 'T1')", "m1 m2");
        all.put("/* why */ a = 1 -- not\n OR a = 5", "m0 m1");
        all.put("$_9 = 'dollar'", "m4");
        return all;
    }

    private String topicWithMessages() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        send(producer, topic, 0, "a", "1", "b", "x", "c", "true");
        send(producer, topic, 1, "a", "5", "b", "y", "c", "false");
        send(producer, topic, 2, "a", "10", "b", "hello");
        send(producer, topic, 3, "a", "3000000000");
        send(producer, topic, 4, "c", "TRUE", "$_9", "dollar");
        send(producer, topic, 5, "a", "text", "b", "it's");
        return topic;
    }

    private static void send(DefaultMQProducer producer, String topic, int number, String... properties) throws Exception {
        Message message = new Message(topic, "T" + number, bytes("m" + number));
        for (int i = 0; i < properties.length; i += 2) {
            message.putUserProperty(properties[i], properties[i + 1]);
        }
        producer.send(message, queue(topic, 0));
    }

    private static String matching(DefaultMQPullConsumer consumer, String topic, MessageSelector selector) throws Exception {
        List<String> bodies = new ArrayList<>();
        long offset = 0;
        while (offset < consumer.maxOffset(queue(topic, 0))) {
            PullResult pulled = consumer.pull(queue(topic, 0), selector, offset, 32);
            offset = pulled.getNextBeginOffset();
            if (pulled.getMsgFoundList() != null) {
                pulled.getMsgFoundList().forEach(message -> bodies.add(new String(message.getBody())));
            }
        }
        return bodies.stream().sorted().collect(Collectors.joining(" "));
    }

    @Test
    @Feature(area = AREA, name = "the whole grammar: comparisons, BETWEEN, IN, IS NULL, CONTAINS, STARTSWITH, ENDSWITH, logic, literals")
    void expressionsSelectMessages() throws Exception {
        String topic = topicWithMessages();
        DefaultMQPullConsumer consumer = pullConsumer(group());
        // Clients learn with a heartbeat that the broker has filters.
        await("the first filtered pull", () -> matching(consumer, topic, MessageSelector.bySql("a = 1")).equals("m0"));
        Map<String, String> answers = new LinkedHashMap<>();
        for (String expression : expressions().keySet()) {
            answers.put(expression, matching(consumer, topic, MessageSelector.bySql(expression)));
        }
        assertEquals(expressions(), answers);
    }

    @Test
    @Feature(area = AREA, name = "a push consumer receives what matches, also while it waits")
    void aPushConsumerReceivesWhatMatches() throws Exception {
        String topic = topicWithMessages();
        Inbox inbox = consume(group(), consumer ->
            run(() -> consumer.subscribe(topic, MessageSelector.bySql("a BETWEEN 5 AND 50"))));
        assertEquals(List.of("m1", "m2"), inbox.awaitBodies(2));
        DefaultMQProducer producer = producer();
        send(producer, topic, 6, "a", "51");
        send(producer, topic, 7, "b", "x");
        send(producer, topic, 8, "a", "50");
        assertEquals(List.of("m1", "m2", "m8"), inbox.awaitBodies(3));
    }

    @Test
    @Feature(area = AREA, name = "groups of one topic have filters of their own; messages filtered out count as consumed")
    void groupsHaveFiltersOfTheirOwn() throws Exception {
        String topic = topicWithMessages();
        String group = group();
        Inbox small = consume(group, consumer -> run(() -> consumer.subscribe(topic, MessageSelector.bySql("a < 6"))));
        Inbox large = consume(group(), consumer -> run(() -> consumer.subscribe(topic, MessageSelector.bySql("a > 6.0"))));
        Inbox tagged = consume(group(), topic, "T3 || T4");
        assertEquals(List.of("m0", "m1"), small.awaitBodies(2));
        assertEquals(List.of("m2", "m3"), large.awaitBodies(2));
        assertEquals(List.of("m3", "m4"), tagged.awaitBodies(2));
        send(producer(), topic, 6, "a", "2");
        assertEquals(List.of("m0", "m1", "m6"), small.awaitBodies(3));
        await("all seven are consumed by the first group", () -> admin.examineConsumeStats(group, topic).getOffsetTable()
            .get(queue(topic, 0)).getConsumerOffset() == 7);
    }

    @Test
    @Feature(area = AREA, name = "a newer subscription of the group replaces its filter")
    void aNewFilterReplacesTheOld() throws Exception {
        String topic = topicWithMessages();
        String group = group();
        Inbox first = consume(group, consumer -> run(() -> consumer.subscribe(topic, MessageSelector.bySql("a = 1"))));
        assertEquals(List.of("m0"), first.awaitBodies(1));
        first.consumer.shutdown();
        Inbox second = consume(group, consumer -> run(() -> consumer.subscribe(topic, MessageSelector.bySql("a = 7"))));
        DefaultMQProducer producer = producer();
        send(producer, topic, 1, "a", "1");
        send(producer, topic, 7, "a", "7");
        assertEquals(List.of("m7"), second.awaitBodies(1));
    }

    @Test
    @Feature(area = AREA, name = "a bad expression is refused when the consumer starts")
    void aBadExpressionIsRefused() {
        String topic = topic();
        for (String bad : List.of("a >", "a = NULL", "a > 'x'", "a BETWEEN 3 AND 1")) {
            int code = refusal(() -> {
                DefaultMQPushConsumer consumer = configured(new DefaultMQPushConsumer(group()));
                consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> null);
                consumer.subscribe(topic, MessageSelector.bySql(bad));
                shutdownLater(consumer::shutdown);
                consumer.start();
            });
            assertEquals(ResponseCode.SUBSCRIPTION_PARSE_FAILED, code, bad);
        }
    }

    @Test
    @Feature(area = AREA, name = "refused while enablePropertyFilter is off")
    void filtersCanBeSwitchedOff() throws Exception {
        String topic = topic();
        Properties off = new Properties();
        off.put("enablePropertyFilter", "false");
        Properties on = new Properties();
        on.put("enablePropertyFilter", "true");
        closeLater(() -> admin.updateBrokerConfig(broker.address, on));
        admin.updateBrokerConfig(broker.address, off);
        IllegalStateException refusal = assertThrows(IllegalStateException.class, () -> consume(group(), consumer ->
            run(() -> consumer.subscribe(topic, MessageSelector.bySql("a > 1")))));
        assertTrue(refusal.getMessage().contains("does not support consumer to filter message by SQL92"), refusal.getMessage());
    }

    @Test
    @Feature(area = AREA, name = "kept in consumerFilter.json, and valid again after a restart of the broker")
    void filtersSurviveARestart() throws Exception {
        String topic = topicWithMessages();
        String group = group();
        Inbox inbox = consume(group, consumer -> run(() -> consumer.subscribe(topic, MessageSelector.bySql("a = 5"))));
        inbox.await(1);
        broker.restart();
        String kept = Files.readString(Path.of(broker.storeDir, "config", "consumerFilter.json"));
        assertTrue(kept.contains(group) && kept.contains("a = 5"), kept);
        DefaultMQProducer producer = producer();
        send(producer, topic, 6, "a", "6");
        send(producer, topic, 7, "a", "5");
        assertEquals(List.of("m1", "m7"), inbox.awaitBodies(2));
    }
}
