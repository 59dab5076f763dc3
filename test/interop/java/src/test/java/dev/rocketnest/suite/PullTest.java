package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.junit.jupiter.api.Test;

/** What single pulls are answered. */
@SuppressWarnings("deprecation")
class PullTest extends SuiteTest {

    private static final String AREA = "Pulling";

    @Test
    @Feature(area = AREA, name = "found, with the queue's bounds and the next offset")
    void aPullFindsMessages() throws Exception {
        String topic = filled(5, 10);
        PullResult result = pullConsumer(group()).pull(queue(topic, 0), "*", 1, 3);
        assertEquals(PullStatus.FOUND, result.getPullStatus());
        assertEquals(List.of("1", "2", "3"), bodies(result.getMsgFoundList()));
        assertEquals(4, result.getNextBeginOffset());
        assertEquals(0, result.getMinOffset());
        assertEquals(5, result.getMaxOffset());
    }

    @Test
    @Feature(area = AREA, name = "answers at and beyond the end, and where nothing matches")
    void answersWhereNothingIs() throws Exception {
        String topic = filled(5, 10);
        DefaultMQPullConsumer consumer = pullConsumer(group());
        assertEquals(PullStatus.NO_NEW_MSG, consumer.pull(queue(topic, 0), "*", 5, 32).getPullStatus());
        PullResult beyond = consumer.pull(queue(topic, 0), "*", 100, 32);
        assertEquals(PullStatus.OFFSET_ILLEGAL, beyond.getPullStatus());
        assertEquals(5, beyond.getNextBeginOffset());
        PullResult unmatched = consumer.pull(queue(topic, 0), "Other", 0, 32);
        assertEquals(PullStatus.NO_MATCHED_MSG, unmatched.getPullStatus());
        assertEquals(5, unmatched.getNextBeginOffset());
        PullResult empty = consumer.pull(queue(topic(1), 0), "*", 0, 32);
        assertTrue(empty.getPullStatus() != PullStatus.FOUND, empty.toString());
        assertEquals(0, empty.getNextBeginOffset());
    }

    @Test
    @Feature(area = AREA, name = "a pull brings at most 32 messages, and no more than 256 KiB")
    void limitsOfAPull() throws Exception {
        DefaultMQPullConsumer consumer = pullConsumer(group());
        String many = filled(50, 10);
        assertEquals(32, consumer.pull(queue(many, 0), "*", 0, 100).getMsgFoundList().size());
        String large = filled(5, 100 * 1024);
        assertEquals(2, consumer.pull(queue(large, 0), "*", 0, 5).getMsgFoundList().size());
        String huge = filled(2, 1024 * 1024);
        assertEquals(1, consumer.pull(queue(huge, 0), "*", 0, 5).getMsgFoundList().size());
    }

    @Test
    @Feature(area = AREA, name = "a blocking pull waits for a message")
    void aBlockingPullWaits() throws Exception {
        String topic = filled(1, 10);
        DefaultMQPullConsumer consumer = pullConsumer(group());
        CompletableFuture<PullResult> waiting =
            CompletableFuture.supplyAsync(() -> get(() -> consumer.pullBlockIfNotFound(queue(topic, 0), "*", 1, 32)));
        assertTrue(!isDoneWithin(waiting, 300));
        send(producer(), topic, "", "late");
        assertEquals(List.of("late"), bodies(waiting.get(5, TimeUnit.SECONDS).getMsgFoundList()));
    }

    @Test
    @Feature(area = AREA, name = "a blocking pull ends without a message after its time")
    void aBlockingPullEnds() throws Exception {
        String topic = filled(1, 10);
        DefaultMQPullConsumer consumer = configured(new DefaultMQPullConsumer(group()));
        consumer.setBrokerSuspendMaxTimeMillis(1_000);
        consumer.start();
        shutdownLater(consumer::shutdown);
        long startedAt = System.nanoTime();
        PullResult result = consumer.pullBlockIfNotFound(queue(topic, 0), "*", 1, 32);
        long waited = (System.nanoTime() - startedAt) / 1_000_000;
        assertEquals(PullStatus.NO_NEW_MSG, result.getPullStatus());
        assertTrue(waited >= 900 && waited < 10_000, waited + " ms"); // waiting pulls are looked at every 5 s
    }

    @Test
    @Feature(area = AREA, name = "unknown topics and queues are refused")
    void unknownTopicsAndQueuesAreRefused() throws Exception {
        DefaultMQPullConsumer consumer = pullConsumer(group());
        String unknown = unique("T-unknown");
        String topic = topic(2);
        consumer.pull(queue(topic, 0), "*", 0, 32); // now it knows the broker
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, refusal(() -> consumer.pull(queue(unknown, 0), "*", 0, 32)));
        assertEquals(ResponseCode.INVALID_PARAMETER, refusal(() -> consumer.pull(queue(topic, 2), "*", 0, 32)));
    }

    @Test
    @Feature(area = AREA, name = "lite pull: subscribe, poll, commit")
    void litePullSubscribes() throws Exception {
        String topic = filled(10, 10);
        String group = group();
        DefaultLitePullConsumer consumer = litePullConsumer(group, lite -> {
            lite.setAutoCommit(false);
            run(() -> lite.subscribe(topic, "*"));
        });
        List<MessageExt> received = new ArrayList<>();
        await("10 messages", () -> {
            received.addAll(consumer.poll(100));
            return received.size() == 10;
        });
        consumer.commit();
        await("the committed offset", () -> consumer.committed(queue(topic, 0)) == 10);
        consumer.shutdown();
        send(producer(), topic, "", "next");
        DefaultLitePullConsumer next = litePullConsumer(group, lite -> run(() -> lite.subscribe(topic, "*")));
        List<MessageExt> later = new ArrayList<>();
        await("the next message", () -> {
            later.addAll(next.poll(100));
            return later.size() > 0;
        });
        assertEquals(List.of("next"), bodies(later));
    }

    @Test
    @Feature(area = AREA, name = "lite pull: assign, seek, pause, offset for a timestamp")
    void litePullSeeks() throws Exception {
        String topic = filled(10, 10);
        DefaultLitePullConsumer consumer = litePullConsumer(group(), lite -> { });
        consumer.assign(List.of(queue(topic, 0)));
        consumer.seek(queue(topic, 0), 7);
        List<String> received = new ArrayList<>();
        await("3 messages", () -> {
            received.addAll(bodies(consumer.poll(100)));
            return received.size() >= 3;
        });
        assertEquals(List.of("7", "8", "9"), received);
        consumer.seekToBegin(queue(topic, 0));
        await("all messages again", () -> {
            received.addAll(bodies(consumer.poll(100)));
            return received.size() >= 13;
        });
        assertEquals(0, consumer.offsetForTimestamp(queue(topic, 0), 0L));
        assertEquals(1, consumer.fetchMessageQueues(topic).size());
        consumer.pause(List.of(queue(topic, 0)));
        consumer.seekToEnd(queue(topic, 0));
        consumer.resume(List.of(queue(topic, 0)));
        send(producer(), topic, "", "end");
        await("the message after the end", () -> {
            received.addAll(bodies(consumer.poll(100)));
            return received.contains("end");
        });
        assertEquals(14, received.size());
    }

    /** A topic of one queue with messages "0", "1", …, padded with spaces to a size. */
    private String filled(int count, int size) throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer(settings -> settings.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE));
        for (int i = 0; i < count; i++) {
            String body = Integer.toString(i);
            producer.send(new Message(topic, bytes(body + " ".repeat(size - body.length()))));
        }
        return topic;
    }

    private static List<String> bodies(List<MessageExt> messages) {
        return messages.stream().map(message -> new String(message.getBody()).trim()).collect(Collectors.toList());
    }

    private static boolean isDoneWithin(CompletableFuture<?> future, long ms) throws Exception {
        try {
            future.get(ms, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException late) {
            return false;
        }
    }
}
