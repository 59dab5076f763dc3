package dev.rocketnest.interop;

import com.alibaba.fastjson2.JSONObject;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * The official Java client as a lite pull consumer, one JSON object per line. Arguments: the name servers, the group, the topic, the
 * name of the instance. Output: {@code {"event": "received", "body": ...}} for every message, {@code {"event": "share", "queues": n}}
 * when it has another number of queues. The end of the input commits what was received and ends the program.
 */
public final class LitePullDriver {

    private LitePullDriver() {
    }

    public static void main(String[] args) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(args[1]);
        consumer.setNamesrvAddr(args[0]);
        consumer.setInstanceName(args[3]);
        consumer.setPollNameServerInterval(1_000);
        consumer.setHeartbeatBrokerInterval(1_000);
        consumer.setMqClientApiTimeout(30_000);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(args[2], "*");
        consumer.start();
        AtomicBoolean stopped = new AtomicBoolean();
        new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    continue;
                }
            } catch (java.io.IOException ignored) {
                // the same as the end
            }
            stopped.set(true);
        }).start();
        int share = -1;
        while (!stopped.get()) {
            int queues = consumer.assignment().size();
            if (queues != share) {
                share = queues;
                print("share", JSONObject.of("queues", queues));
            }
            for (MessageExt message : consumer.poll(100)) {
                print("received", JSONObject.of("body", new String(message.getBody(), StandardCharsets.UTF_8)));
            }
        }
        consumer.commit();
        consumer.shutdown();
        System.exit(0);
    }

    private static void print(String event, JSONObject fields) {
        System.out.println(fields.fluentPut("event", event).toJSONString());
        System.out.flush();
    }
}
