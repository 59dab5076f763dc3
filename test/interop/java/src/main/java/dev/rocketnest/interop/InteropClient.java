package dev.rocketnest.interop;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * The official Java client, driven by another program: {@code InteropClient COMMAND key=value ...}.
 *
 * <p>Messages to send come in as one JSON array on the first line of standard input; results and received messages go
 * out as one JSON object per line, each with an {@code event}. Bodies travel as base64, so that a comparison is exact.
 * A command that stays (consume, transaction) runs until standard input is closed, then shuts its client down.
 */
public final class InteropClient {

    private interface Command {
        void run(Map<String, String> options) throws Exception;
    }

    private interface Sender {
        void send(DefaultMQProducer producer, List<JSONObject> inputs) throws Exception;
    }

    private static final Map<String, Command> COMMANDS = new TreeMap<>(Map.of(
        "send", InteropClient::send,
        "transaction", InteropClient::transaction,
        "consume", InteropClient::consume,
        "query", InteropClient::query));

    private static final Map<String, Sender> SENDERS = new TreeMap<>(Map.of(
        "sync", InteropClient::sendSync,
        "async", InteropClient::sendAsync,
        "oneway", InteropClient::sendOneway,
        "batch", InteropClient::sendBatch,
        "ordered", InteropClient::sendOrdered));

    /** A broker refuses what waits for it longer than 200 ms, so an asynchronous sender must not run ahead of it. */
    private static final int ASYNC_IN_FLIGHT = 64;

    private static final BufferedReader STDIN =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    private InteropClient() {
    }

    public static void main(String[] args) {
        int status = 0;
        try {
            Map<String, String> options = new HashMap<>();
            for (int i = 1; i < args.length; i++) {
                int equals = args[i].indexOf('=');
                options.put(args[i].substring(0, equals), args[i].substring(equals + 1));
            }
            pick(COMMANDS, args.length == 0 ? null : args[0], "command").run(options);
        } catch (Throwable error) {
            failed(error);
            status = 1;
        }
        System.exit(status);
    }

    // ---- send ----

    private static void send(Map<String, String> options) throws Exception {
        Sender sender = pick(SENDERS, options.get("mode"), "mode");
        DefaultMQProducer producer = new DefaultMQProducer(required(options, "group"));
        producer.setNamesrvAddr(required(options, "namesrv"));
        producer.setSendMsgTimeout(10_000);
        producer.start();
        try {
            sender.send(producer, readInputs());
        } finally {
            producer.shutdown();
        }
    }

    private static void sendSync(DefaultMQProducer producer, List<JSONObject> inputs) throws Exception {
        for (JSONObject input : inputs) {
            sent(producer.send(message(input)));
        }
    }

    private static void sendAsync(DefaultMQProducer producer, List<JSONObject> inputs) throws Exception {
        Semaphore slots = new Semaphore(ASYNC_IN_FLIGHT);
        for (JSONObject input : inputs) {
            slots.acquire();
            producer.send(message(input), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    sent(result);
                    slots.release();
                }

                @Override
                public void onException(Throwable error) {
                    failed(error);
                    slots.release();
                }
            });
        }
        slots.acquire(ASYNC_IN_FLIGHT);
    }

    /** A one-way send has no answer: what is printed only says that the client took the message. */
    private static void sendOneway(DefaultMQProducer producer, List<JSONObject> inputs) throws Exception {
        for (JSONObject input : inputs) {
            producer.sendOneway(message(input));
            print("sent", new JSONObject());
        }
    }

    private static void sendBatch(DefaultMQProducer producer, List<JSONObject> inputs) throws Exception {
        List<Message> batch = new ArrayList<>();
        for (JSONObject input : inputs) {
            batch.add(message(input));
        }
        sent(producer.send(batch));
    }

    private static void sendOrdered(DefaultMQProducer producer, List<JSONObject> inputs) throws Exception {
        SelectMessageQueueByHash selector = new SelectMessageQueueByHash();
        for (JSONObject input : inputs) {
            sent(producer.send(message(input), selector, input.getString("shardingKey")));
        }
    }

    /** Each input names its {@code outcome}; the check-back of an UNKNOWN one answers its {@code checkOutcome}. */
    private static void transaction(Map<String, String> options) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(required(options, "group"));
        producer.setNamesrvAddr(required(options, "namesrv"));
        Map<String, JSONObject> byTransaction = new ConcurrentHashMap<>();
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object input) {
                byTransaction.put(message.getTransactionId(), (JSONObject) input);
                return state(((JSONObject) input).getString("outcome"));
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                print("checked", describe(message));
                return state(byTransaction.get(message.getTransactionId()).getString("checkOutcome"));
            }
        });
        producer.start();
        try {
            for (JSONObject input : readInputs()) {
                sent(producer.sendMessageInTransaction(message(input), input));
            }
            print("done", new JSONObject());
            awaitEndOfInput();
        } finally {
            producer.shutdown();
        }
    }

    private static LocalTransactionState state(String outcome) {
        switch (outcome) {
            case "COMMIT":
                return LocalTransactionState.COMMIT_MESSAGE;
            case "ROLLBACK":
                return LocalTransactionState.ROLLBACK_MESSAGE;
            default:
                return LocalTransactionState.UNKNOW;
        }
    }

    // ---- consume ----

    /**
     * {@code topic=T:EXPRESSION[,T2:EXPRESSION]}; {@code orderly}, {@code broadcast}: true or false;
     * {@code failures}: answer "later" while reconsumeTimes is below this number.
     */
    private static void consume(Map<String, String> options) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(required(options, "group"));
        consumer.setNamesrvAddr(required(options, "namesrv"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setMaxReconsumeTimes(Integer.parseInt(options.getOrDefault("maxReconsumeTimes", "-1")));
        if (flag(options, "broadcast")) {
            consumer.setMessageModel(MessageModel.BROADCASTING);
        }
        for (String subscription : required(options, "topic").split(",")) {
            int colon = subscription.indexOf(':');
            consumer.subscribe(subscription.substring(0, colon), subscription.substring(colon + 1));
        }
        int failures = Integer.parseInt(options.getOrDefault("failures", "0"));
        if (flag(options, "orderly")) {
            consumer.setSuspendCurrentQueueTimeMillis(100);
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) ->
                handled(messages, failures)
                    ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT);
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) ->
                handled(messages, failures)
                    ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER);
        }
        consumer.start();
        try {
            print("started", new JSONObject());
            awaitEndOfInput();
        } finally {
            consumer.shutdown();
        }
    }

    private static boolean handled(List<MessageExt> messages, int failures) {
        boolean success = true;
        for (MessageExt message : messages) {
            print("received", describe(message));
            success &= message.getReconsumeTimes() >= failures;
        }
        return success;
    }

    // ---- query ----

    /** Messages of a topic that carry a key, through the broker's index. */
    private static void query(Map<String, String> options) throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt();
        admin.setNamesrvAddr(required(options, "namesrv"));
        admin.start();
        try {
            QueryResult result = admin.queryMessage(
                required(options, "topic"), required(options, "key"), 32, 0, System.currentTimeMillis());
            for (MessageExt message : result.getMessageList()) {
                print("received", describe(message));
            }
        } finally {
            admin.shutdown();
        }
    }

    // ---- shared ----

    private static Message message(JSONObject input) {
        Message message = new Message(input.getString("topic"), Base64.getDecoder().decode(input.getString("body")));
        if (input.containsKey("tags")) {
            message.setTags(input.getString("tags"));
        }
        if (input.containsKey("keys")) {
            message.setKeys(input.getString("keys"));
        }
        if (input.containsKey("delayLevel")) {
            message.setDelayTimeLevel(input.getIntValue("delayLevel"));
        }
        JSONObject properties = input.getJSONObject("properties");
        if (properties != null) {
            properties.forEach((name, value) -> message.putUserProperty(name, (String) value));
        }
        return message;
    }

    private static JSONObject describe(MessageExt message) {
        Map<String, String> userProperties = new TreeMap<>(message.getProperties());
        userProperties.keySet().removeAll(MessageConst.STRING_HASH_SET);
        return JSONObject.of(
                "topic", message.getTopic(),
                "body", Base64.getEncoder().encodeToString(message.getBody()),
                "tags", message.getTags(),
                "keys", message.getKeys())
            .fluentPut("userProperties", userProperties)
            .fluentPut("properties", message.getProperties())
            .fluentPut("brokerName", message.getBrokerName())
            .fluentPut("queueId", message.getQueueId())
            .fluentPut("queueOffset", message.getQueueOffset())
            .fluentPut("msgId", message.getMsgId())
            .fluentPut("bornTimestamp", message.getBornTimestamp())
            .fluentPut("storeTimestamp", message.getStoreTimestamp())
            .fluentPut("receivedTimestamp", System.currentTimeMillis())
            .fluentPut("reconsumeTimes", message.getReconsumeTimes());
    }

    private static void sent(SendResult result) {
        print("sent", JSONObject.of(
                "status", result.getSendStatus().name(),
                "msgId", result.getMsgId(),
                "offsetMsgId", result.getOffsetMsgId(),
                "queueOffset", result.getQueueOffset())
            .fluentPut("queueId", result.getMessageQueue().getQueueId())
            .fluentPut("brokerName", result.getMessageQueue().getBrokerName()));
    }

    private static void failed(Throwable error) {
        print("failed", JSONObject.of("error", error.getClass().getSimpleName(), "message", error.getMessage()));
        error.printStackTrace();
    }

    private static synchronized void print(String event, JSONObject fields) {
        System.out.println(fields.fluentPut("event", event).toJSONString());
        System.out.flush();
    }

    private static List<JSONObject> readInputs() throws IOException {
        return JSON.parseArray(STDIN.readLine(), JSONObject.class);
    }

    private static void awaitEndOfInput() throws IOException {
        while (STDIN.read() >= 0) {
            // what is written after the inputs has no meaning
        }
    }

    private static <T> T pick(Map<String, T> table, String name, String what) {
        T found = name == null ? null : table.get(name);
        if (found == null) {
            throw new IllegalArgumentException(what + " must be one of " + table.keySet() + ", not " + name);
        }
        return found;
    }

    private static String required(Map<String, String> options, String name) {
        String value = options.get(name);
        if (value == null) {
            throw new IllegalArgumentException("option " + name + "=... is missing");
        }
        return value;
    }

    private static boolean flag(Map<String, String> options, String name) {
        return Boolean.parseBoolean(options.getOrDefault(name, "false"));
    }
}
