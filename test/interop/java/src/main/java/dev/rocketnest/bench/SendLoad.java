package dev.rocketnest.bench;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * The official client's synchronous send under load. Arguments as key=value: namesrv, topic, threads, size (bytes), warmup and
 * seconds (whole seconds). Prints one JSON line when the first send is acknowledged ("first"), one when the warm-up is over
 * ("measuring"), and one with the result ("result").
 */
public class SendLoad {
    private static final int WARMING_UP = 0;
    private static final int MEASURING = 1;
    private static final int DONE = 2;
    private static final int MAX_SAMPLES_PER_THREAD = 2_000_000;

    private static volatile int phase = WARMING_UP;

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (String argument : arguments) {
            String[] pair = argument.split("=", 2);
            options.put(pair[0], pair[1]);
        }
        String topic = options.get("topic");
        int threads = Integer.parseInt(options.get("threads"));
        byte[] body = new byte[Integer.parseInt(options.get("size"))];
        Arrays.fill(body, (byte) 'x');

        DefaultMQProducer producer = new DefaultMQProducer("bench_producer");
        producer.setNamesrvAddr(options.get("namesrv"));
        producer.setRetryTimesWhenSendFailed(0);
        producer.start();
        long acknowledged = awaitFirst(producer, new Message(topic, body));
        System.out.println("{\"event\":\"first\",\"epochMs\":" + System.currentTimeMillis() + "}");

        AtomicLong total = new AtomicLong(acknowledged);
        AtomicLong failures = new AtomicLong();
        long[][] samples = new long[threads][];
        Thread[] workers = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            int index = i;
            workers[i] = new Thread(() -> samples[index] = send(producer, topic, body, total, failures));
            workers[i].start();
        }
        Thread.sleep(1000L * Integer.parseInt(options.get("warmup")));
        System.out.println("{\"event\":\"measuring\"}");
        long begin = System.nanoTime();
        phase = MEASURING;
        Thread.sleep(1000L * Integer.parseInt(options.get("seconds")));
        phase = DONE;
        double seconds = (System.nanoTime() - begin) / 1e9;
        for (Thread worker : workers) worker.join();

        long[] latencies = Arrays.stream(samples).flatMapToLong(Arrays::stream).sorted().toArray();
        System.out.printf(
            "{\"event\":\"result\",\"sent\":%d,\"seconds\":%.3f,\"failures\":%d,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"p999Ms\":%.3f,"
                + "\"acknowledgedInAll\":%d,\"storedInAll\":%d}%n",
            latencies.length, seconds, failures.get(), percentile(latencies, 0.5), percentile(latencies, 0.99),
            percentile(latencies, 0.999), total.get(), stored(producer, topic));
        producer.shutdown();
    }

    /** Sends until a send is acknowledged: the servers may still be starting. */
    private static long awaitFirst(DefaultMQProducer producer, Message message) {
        for (;;) {
            try {
                if (producer.send(message).getSendStatus() == SendStatus.SEND_OK) return 1;
            } catch (Exception notYet) {
                LockSupport.parkNanos(5_000_000);
            }
        }
    }

    private static long[] send(DefaultMQProducer producer, String topic, byte[] body, AtomicLong total, AtomicLong failures) {
        long[] latencies = new long[1024];
        int count = 0;
        long acknowledged = 0;
        while (phase != DONE) {
            long begin = System.nanoTime();
            int phaseAtBegin = phase;
            try {
                if (producer.send(new Message(topic, body)).getSendStatus() != SendStatus.SEND_OK) throw new IllegalStateException();
                acknowledged++;
            } catch (Exception e) {
                failures.incrementAndGet();
                continue;
            }
            if (phaseAtBegin == MEASURING && phase == MEASURING && count < MAX_SAMPLES_PER_THREAD) {
                if (count == latencies.length) latencies = Arrays.copyOf(latencies, count * 2);
                latencies[count++] = System.nanoTime() - begin;
            }
        }
        total.addAndGet(acknowledged);
        return Arrays.copyOf(latencies, count);
    }

    private static double percentile(long[] sorted, double fraction) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] / 1e6;
    }

    /** Messages in the topic's queues, as the broker counts them. */
    private static long stored(DefaultMQProducer producer, String topic) throws Exception {
        List<MessageQueue> queues = producer.fetchPublishMessageQueues(topic);
        long sum = 0;
        for (MessageQueue queue : queues) sum += producer.maxOffset(queue) - producer.minOffset(queue);
        return sum;
    }
}
