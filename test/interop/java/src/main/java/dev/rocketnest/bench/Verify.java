package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Reads all that topics hold. Options: topic, topics (as when sending), count: waits for so many messages, up to two minutes without
 * a new one. The result is their tally, as {@code received}.
 */
@SuppressWarnings("deprecation")
final class Verify {

    private static final int PULL = 32;
    private static final int READERS = 8;
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(2);

    private Verify() {
    }

    static void run(Options options) throws Exception {
        DefaultMQPullConsumer consumer = Clients.puller(options, "bench_verify");
        List<MessageQueue> queues = new ArrayList<>();
        for (String topic : Clients.topics(options)) {
            queues.addAll(consumer.fetchSubscribeMessageQueues(topic));
        }
        Collections.shuffle(queues);
        Tally tally = new Tally();
        long count = options.number("count");
        List<Thread> readers = new ArrayList<>();
        List<Throwable> errors = Collections.synchronizedList(new ArrayList<>());
        for (int reader = 0; reader < READERS; reader++) {
            int from = reader;
            readers.add(new Thread(() -> {
                try {
                    read(consumer, queues, from, tally, count);
                } catch (Exception error) {
                    errors.add(error);
                }
            }));
        }
        readers.forEach(Thread::start);
        for (Thread reader : readers) {
            reader.join();
        }
        if (!errors.isEmpty()) {
            throw new IllegalStateException("reading failed", errors.get(0));
        }
        Events.print("result", JSONObject.of("received", tally.toJson()));
    }

    /** Every eighth queue, again and again, until all readers together have everything and these queues have no more. */
    private static void read(DefaultMQPullConsumer consumer, List<MessageQueue> queues, int from, Tally tally, long count) throws Exception {
        long[] offsets = new long[queues.size()];
        long progressed = System.nanoTime();
        boolean ended = false;
        while (!ended || tally.count() < count && System.nanoTime() - progressed < PATIENCE_NANOS) {
            boolean found = false;
            for (int i = from; i < queues.size(); i += READERS) {
                PullResult result = consumer.pull(queues.get(i), "*", offsets[i], PULL);
                while (result.getPullStatus() == PullStatus.FOUND) {
                    found = true;
                    for (MessageExt message : result.getMsgFoundList()) {
                        tally.add(message.getBody());
                    }
                    offsets[i] = result.getNextBeginOffset();
                    result = consumer.pull(queues.get(i), "*", offsets[i], PULL);
                }
                offsets[i] = result.getNextBeginOffset();
            }
            if (found) {
                progressed = System.nanoTime();
            } else if (ended) {
                Thread.sleep(10);
            }
            ended = !found;
        }
    }
}
