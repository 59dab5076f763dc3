package dev.rocketnest.interop;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * The official Java client as requester and replier, one JSON object per line. Argument: the name servers. Input:
 * {@code {"command": "reply", "topic": ...}} answers every request with "Java: " and its body, {@code {"command": "request",
 * "topic": ..., "body": ..., "timeoutMs": ...}} asks one. Output: {@code {"event": "ready"}}, {@code {"event": "replied", ...}},
 * {@code {"event": "failed", ...}}. The end of the input ends the program.
 */
public final class RequestReplyDriver {

    private final String namesrvAddr;
    private final DefaultMQProducer producer;

    private RequestReplyDriver(String namesrvAddr) throws Exception {
        this.namesrvAddr = namesrvAddr;
        producer = configured(new DefaultMQProducer("java-requesters"), "requester");
        producer.start();
    }

    public static void main(String[] args) throws Exception {
        RequestReplyDriver driver = new RequestReplyDriver(args[0]);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JSONObject request = JSON.parseObject(line);
            if (request.getString("command").equals("reply")) {
                driver.reply(request.getString("topic"));
            } else {
                new Thread(() -> driver.request(request)).start();
            }
        }
        System.exit(0);
    }

    private <T extends ClientConfig> T configured(T client, String name) {
        client.setNamesrvAddr(namesrvAddr);
        client.setInstanceName(name);
        client.setPollNameServerInterval(1_000);
        client.setHeartbeatBrokerInterval(1_000);
        client.setMqClientApiTimeout(30_000);
        return client;
    }

    private void reply(String topic) throws Exception {
        DefaultMQProducer replies = configured(new DefaultMQProducer("java-repliers"), "replier");
        replies.setSendMsgTimeout(30_000);
        replies.start();
        DefaultMQPushConsumer consumer = configured(new DefaultMQPushConsumer("java-" + topic), "replier");
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                answer(replies, message);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        print("ready", new JSONObject());
    }

    private static void answer(DefaultMQProducer replies, MessageExt message) {
        try {
            byte[] body = ("Java: " + new String(message.getBody(), StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
            Message reply = MessageUtil.createReplyMessage(message, body);
            reply.setKeys(message.getKeys());
            replies.send(reply);
        } catch (Exception e) {
            print("failed", JSONObject.of("error", e.toString()));
        }
    }

    private void request(JSONObject request) {
        try {
            byte[] body = request.getString("body").getBytes(StandardCharsets.UTF_8);
            Message message = new Message(request.getString("topic"), "", request.getString("keys"), body);
            Message reply = producer.request(message, request.getLongValue("timeoutMs"));
            print("replied", JSONObject.of(
                "body", new String(reply.getBody(), StandardCharsets.UTF_8),
                "properties", reply.getProperties()));
        } catch (Exception e) {
            print("failed", JSONObject.of("error", e.toString()));
        }
    }

    private static void print(String event, JSONObject fields) {
        String line = fields.fluentPut("event", event).toJSONString();
        synchronized (System.out) {
            System.out.println(line);
            System.out.flush();
        }
    }
}
