package dev.rocketnest.interop;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
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
 * The official Java client, driven by another program over standard input and output, one JSON object per line.
 *
 * <p>A request is {@code {"id": 7, "command": "send", ...}}; what comes of it is printed as events with the same id:
 * {@code sent}, {@code received}, {@code checked}, {@code failed}, {@code ready}, and last {@code done}. Bodies travel as
 * base64, so that a comparison is exact. A command that stays (consume, transaction) is {@code ready} and runs until
 * {@code {"id": 7, "command": "stop"}}; the end of the input stops all and ends the program.
 */
public final class InteropClient {

    private interface Command {
        void run(Run run) throws Exception;
    }

    private interface Sender {
        void send(DefaultMQProducer producer, Run run) throws Exception;
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

    /** Sends under way at once: an asynchronous sender that runs ahead of the broker is refused. */
    private static final int ASYNC_IN_FLIGHT = 64;

    /** By transaction id, of all runs: a later producer of a group answers for an earlier one. */
    private static final Map<String, JSONObject> TRANSACTIONS = new ConcurrentHashMap<>();

    private InteropClient() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Map<Integer, Run> runs = new HashMap<>();
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            JSONObject request = JSON.parseObject(line);
            Run run = runs.get(request.getInteger("id"));
            if (run != null) {
                run.stopped.countDown();
            } else {
                run = new Run(request);
                runs.put(run.id, run);
                run.thread.start();
            }
        }
        for (Run run : runs.values()) {
            run.stopped.countDown();
        }
        for (Run run : runs.values()) {
            run.thread.join();
        }
        System.exit(0);
    }

    /** One request on a thread of its own. */
    private static final class Run {
        final int id;
        final JSONObject request;
        final CountDownLatch stopped = new CountDownLatch(1);
        final Thread thread = new Thread(this::run);

        Run(JSONObject request) {
            this.id = request.getIntValue("id");
            this.request = request;
        }

        private void run() {
            try {
                pick(COMMANDS, request.getString("command"), "command").run(this);
            } catch (Throwable error) {
                failed(error);
            }
            print("done", new JSONObject());
        }

        String required(String name) {
            String value = request.getString(name);
            if (value == null) {
                throw new IllegalArgumentException("the request lacks " + name);
            }
            return value;
        }

        List<JSONObject> messages() {
            return request.getList("messages", JSONObject.class);
        }

        /**
         * Clients of one JVM that must not know of each other need different names. Routes are asked for and heartbeats
         * sent often: at the default of 30 s a consumer waits that long for a topic that is created after it. Answers of
         * servers on a busy machine may take longer than the default of 3 s.
         */
        <T extends ClientConfig> T configured(T client) {
            client.setNamesrvAddr(required("namesrvAddr"));
            client.setInstanceName(request.getString("instanceName") == null ? "run-" + id : required("instanceName"));
            client.setPollNameServerInterval(1_000);
            client.setMqClientApiTimeout(30_000); // routes, too, may take long on a busy machine
            client.setHeartbeatBrokerInterval(1_000);
            client.setEnableTrace(request.getBooleanValue("trace"));
            client.setMqClientApiTimeout(30_000);
            return client;
        }

        void stay() throws InterruptedException {
            print("ready", new JSONObject());
            stopped.await();
        }

        void sent(SendResult result) {
            print("sent", JSONObject.of(
                    "status", result.getSendStatus().name(),
                    "msgId", result.getMsgId(),
                    "offsetMsgId", result.getOffsetMsgId(),
                    "queueOffset", result.getQueueOffset())
                .fluentPut("queueId", result.getMessageQueue().getQueueId())
                .fluentPut("brokerName", result.getMessageQueue().getBrokerName()));
        }

        void failed(Throwable error) {
            print("failed", JSONObject.of("error", error.getClass().getSimpleName(), "message", error.getMessage()));
        }

        void print(String event, JSONObject fields) {
            String line = fields.fluentPut("id", id).fluentPut("event", event).toJSONString();
            synchronized (System.out) {
                System.out.println(line);
                System.out.flush();
            }
        }
    }

    // ---- send ----

    private static void send(Run run) throws Exception {
        Sender sender = pick(SENDERS, run.required("mode"), "mode");
        DefaultMQProducer producer = run.configured(new DefaultMQProducer(run.required("group")));
        producer.setSendMsgTimeout(30_000);
        producer.start();
        try {
            sender.send(producer, run);
        } finally {
            producer.shutdown();
        }
    }

    private static void sendSync(DefaultMQProducer producer, Run run) throws Exception {
        for (JSONObject input : run.messages()) {
            run.sent(producer.send(message(input)));
        }
    }

    private static void sendAsync(DefaultMQProducer producer, Run run) throws Exception {
        Semaphore slots = new Semaphore(ASYNC_IN_FLIGHT);
        for (JSONObject input : run.messages()) {
            slots.acquire();
            producer.send(message(input), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    run.sent(result);
                    slots.release();
                }

                @Override
                public void onException(Throwable error) {
                    run.failed(error);
                    slots.release();
                }
            });
        }
        slots.acquire(ASYNC_IN_FLIGHT);
    }

    /** A one-way send has no answer: what is printed only says that the client took the message. */
    private static void sendOneway(DefaultMQProducer producer, Run run) throws Exception {
        for (JSONObject input : run.messages()) {
            producer.sendOneway(message(input));
            run.print("sent", new JSONObject());
        }
    }

    private static void sendBatch(DefaultMQProducer producer, Run run) throws Exception {
        List<Message> batch = new ArrayList<>();
        for (JSONObject input : run.messages()) {
            batch.add(message(input));
        }
        run.sent(producer.send(batch));
    }

    private static void sendOrdered(DefaultMQProducer producer, Run run) throws Exception {
        SelectMessageQueueByHash selector = new SelectMessageQueueByHash();
        for (JSONObject input : run.messages()) {
            run.sent(producer.send(message(input), selector, input.getString("shardingKey")));
        }
    }

    /** Each message names its {@code outcome}; a check-back answers its {@code checkOutcome}, if it has one. */
    private static void transaction(Run run) throws Exception {
        TransactionMQProducer producer = run.configured(new TransactionMQProducer(run.required("group")));
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object input) {
                TRANSACTIONS.put(message.getTransactionId(), (JSONObject) input);
                return state(((JSONObject) input).getString("outcome"));
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                run.print("checked", describe(message));
                JSONObject input = TRANSACTIONS.get(message.getTransactionId());
                return state(input.getString(input.containsKey("checkOutcome") ? "checkOutcome" : "outcome"));
            }
        });
        producer.start();
        try {
            for (JSONObject input : run.messages()) {
                run.sent(producer.sendMessageInTransaction(message(input), input));
            }
            run.stay();
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

    /** By the names that {@code allocate} may have. */
    private static final Map<String, AllocateMessageQueueStrategy> STRATEGIES = new TreeMap<>(Map.of(
        "AVG", new AllocateMessageQueueAveragely(),
        "AVG_BY_CIRCLE", new AllocateMessageQueueAveragelyByCircle(),
        "CONSISTENT_HASH", new AllocateMessageQueueConsistentHash()));

    /** {@code failures}: answer "later" while reconsumeTimes is below this number. */
    private static void consume(Run run) throws Exception {
        JSONObject request = run.request;
        DefaultMQPushConsumer consumer = run.configured(new DefaultMQPushConsumer(run.required("group")));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        // what was printed as received is also acknowledged before the end
        consumer.setAwaitTerminationMillisWhenShutdown(10_000);
        consumer.setMaxReconsumeTimes(request.getIntValue("maxReconsumeTimes", -1));
        consumer.setClientRebalance(request.getBooleanValue("clientRebalance", true));
        consumer.setPopInvisibleTime(request.getLongValue("popInvisibleTimeMs", 60_000));
        if (request.containsKey("allocate")) {
            consumer.setAllocateMessageQueueStrategy(pick(STRATEGIES, request.getString("allocate"), "allocate"));
        }
        consumer.setMessageModel(
            request.getBooleanValue("broadcast") ? MessageModel.BROADCASTING : MessageModel.CLUSTERING);
        consumer.subscribe(run.required("topic"), run.required("expression"));
        int failures = request.getIntValue("failures");
        if (request.getBooleanValue("orderly")) {
            consumer.setSuspendCurrentQueueTimeMillis(100);
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) ->
                handled(run, messages, failures)
                    ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT);
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) ->
                handled(run, messages, failures)
                    ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER);
        }
        consumer.start();
        try {
            run.stay();
        } finally {
            consumer.shutdown();
        }
    }

    private static boolean handled(Run run, List<MessageExt> messages, int failures) {
        boolean success = true;
        for (MessageExt message : messages) {
            run.print("received", describe(message));
            success &= message.getReconsumeTimes() >= failures;
        }
        return success;
    }

    // ---- query ----

    /** Messages of a topic that carry a key, through the broker's index. */
    private static void query(Run run) throws Exception {
        DefaultMQAdminExt admin = run.configured(new DefaultMQAdminExt());
        admin.start();
        try {
            QueryResult result = admin.queryMessage(
                run.required("topic"), run.required("key"), 32, 0, System.currentTimeMillis());
            for (MessageExt message : result.getMessageList()) {
                run.print("received", describe(message));
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
        if (input.containsKey("deliverAt")) {
            message.setDeliverTimeMs(input.getLongValue("deliverAt"));
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

    private static <T> T pick(Map<String, T> table, String name, String what) {
        T found = name == null ? null : table.get(name);
        if (found == null) {
            throw new IllegalArgumentException(what + " must be one of " + table.keySet() + ", not " + name);
        }
        return found;
    }
}
