package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import com.alibaba.fastjson2.JSONArray;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;

/**
 * A burst of messages to several groups that wait, each of which gets all. Options: topic, queues, groups, messages, warmupMessages (a
 * burst before), size, batch, consumeBatch. The measurement is from the first send to the last delivery; {@code messages} counts
 * deliveries, {@code groups} is the tally of each.
 */
final class FanOut {

    private FanOut() {
    }

    static void run(Options options) throws Exception {
        int groups = options.number("groups");
        Measurement measurement = new Measurement();
        List<Tally> tallies = new ArrayList<>();
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        for (int group = 0; group < groups; group++) {
            Tally tally = new Tally();
            tallies.add(tally);
            consumers.add(Receiver.start(options, "bench_fanout_" + group, options.text("topic"), message -> {
                tally.add(message.getBody());
                measurement.received.add(message.getBody());
                measurement.completed(1, Bodies.time(message.getBody()));
            }));
        }
        Receiver.awaitQueues(options, consumers);
        DefaultMQProducer producer = Clients.producer(options);

        burst(options, producer, measurement, 0, options.number("warmupMessages"), groups);
        measurement.begin();
        burst(options, producer, measurement, 1, options.number("messages"), groups);
        measurement.end();
        JSONArray each = new JSONArray();
        tallies.forEach(tally -> each.add(tally.toJson()));
        measurement.report(JSONObject.of("groups", each));
        for (DefaultMQPushConsumer consumer : consumers) {
            consumer.shutdown();
        }
    }

    private static void burst(Options options, DefaultMQProducer producer, Measurement measurement, int worker, int messages, int groups)
            throws Exception {
        int size = options.number("size");
        int batch = options.number("batch");
        for (int number = 0; number < messages;) {
            List<Message> next = new ArrayList<>(batch);
            for (int i = 0; i < batch && number < messages; i++, number++) {
                next.add(new Message(options.text("topic"), Bodies.create(size, worker, number, System.nanoTime())));
            }
            Send.check(producer.send(next));
            for (Message message : next) {
                measurement.sent.add(message.getBody());
            }
        }
        Receiver.await("all deliveries", () -> measurement.received.count() >= measurement.sent.count() * groups);
    }
}
