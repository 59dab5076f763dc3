package dev.rocketnest.suite.support;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.netty.NettyRemotingClient;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;
import org.junit.jupiter.api.AfterEach;

/**
 * Base of the suite's test classes: the servers under test, the official clients, and what every test needs of them. Whatever a
 * test gets here is closed after the test. Nothing tells a test whose servers these are.
 */
public abstract class SuiteTest {

    /** Limit of {@link #await}: far more than a correct server needs on a busy machine. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int REQUEST_TIMEOUT_MS = 10_000;
    private static final String RUN = Long.toString(System.currentTimeMillis(), 36);
    private static final AtomicInteger COUNTER = new AtomicInteger();
    private static final Object STANDARD_OUTPUT = new Object();
    private static NettyRemotingClient remoting;

    static {
        ClientShutdown.hurry();
    }

    /** The servers. */
    protected static final Cluster cluster = Cluster.ofRunner();
    /** Their first broker, for most profiles the only one. */
    protected static final Cluster.Broker broker = cluster.brokers.get(0);
    /** Started, shared by all tests. */
    protected static final DefaultMQAdminExt admin = startAdmin();

    private static final Executor CLOSING = Executors.newCachedThreadPool();

    private final Deque<AutoCloseable> resources = new ArrayDeque<>();
    private final List<AutoCloseable> clients = new ArrayList<>();

    /** Restores what the test changed, and has its clients closed beside the next test: each takes up to 3 s for it. */
    @AfterEach
    final void closeResources() throws Exception {
        clients.forEach(client -> CLOSING.execute(() -> run(client::close)));
        clients.clear();
        while (!resources.isEmpty()) {
            resources.pop().close();
        }
    }

    /** Closes it after the test, last first. */
    protected final <T extends AutoCloseable> T closeLater(T resource) {
        resources.push(resource);
        return resource;
    }

    /** For clients that a test makes itself. They are closed after the test, but the next one does not wait for that. */
    protected final void shutdownLater(AutoCloseable client) {
        clients.add(client);
    }

    // Names, topics, groups

    /** A name that nothing else in this run has. */
    protected static String unique(String prefix) {
        return prefix + "-" + RUN + "-" + COUNTER.incrementAndGet();
    }

    /** A new topic of 4 queues on the first broker, known to the name server. */
    protected static String topic() {
        return topic(4);
    }

    protected static String topic(int queues) {
        return topic(new TopicConfig(unique("T"), queues, queues));
    }

    /** Creates the topic on the first broker and waits until clients find it. Returns its name. */
    protected static String topic(TopicConfig config) {
        String topic = config.getTopicName();
        run(() -> admin.createAndUpdateTopicConfig(broker.address, config));
        await("route of " + topic, () -> admin.examineTopicRouteInfo(topic).getQueueDatas().stream()
            .anyMatch(queues -> queues.getBrokerName().equals(broker.name)));
        return topic;
    }

    /** A group name that nobody used; brokers create the group with its first consumer. */
    protected static String group() {
        return unique("G");
    }

    /** A new consumer group with these settings on the first broker. Returns its name. */
    protected static String group(Consumer<SubscriptionGroupConfig> settings) {
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName(group());
        settings.accept(config);
        run(() -> admin.createAndUpdateSubscriptionGroupConfig(broker.address, config));
        return config.getGroupName();
    }

    protected static MessageQueue queue(String topic, int queueId) {
        return new MessageQueue(topic, broker.name, queueId);
    }

    // Clients

    /** Names of its own for a client, so that it shares no connection, and short intervals. */
    protected static <T extends ClientConfig> T configured(T client) {
        client.setNamesrvAddr(cluster.namesrvAddr());
        client.setInstanceName(unique("client"));
        client.setVipChannelEnabled(false);
        client.setPollNameServerInterval(1_000);
        client.setHeartbeatBrokerInterval(1_000);
        client.setPersistConsumerOffsetInterval(500);
        client.setMqClientApiTimeout(REQUEST_TIMEOUT_MS);
        return client;
    }

    /** A started producer of a group of its own. */
    protected final DefaultMQProducer producer() {
        return producer(producer -> { });
    }

    /** A started producer, with settings made before the start. */
    protected final DefaultMQProducer producer(Consumer<DefaultMQProducer> settings) {
        return started(new DefaultMQProducer(unique("P")), settings);
    }

    /** A started transactional producer. */
    protected final TransactionMQProducer transactionProducer(String group, TransactionListener listener) {
        TransactionMQProducer producer = new TransactionMQProducer(group);
        producer.setTransactionListener(listener);
        return started(producer, settings -> { });
    }

    private <T extends DefaultMQProducer> T started(T producer, Consumer<? super T> settings) {
        configured(producer).setSendMsgTimeout(REQUEST_TIMEOUT_MS);
        settings.accept(producer);
        run(producer::start);
        shutdownLater(producer::shutdown);
        return producer;
    }

    protected static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Response code with which a server refused what the action asked. Fails if it did not. */
    protected static int refusal(Action action) {
        try {
            action.run();
        } catch (MQBrokerException error) {
            return error.getResponseCode();
        } catch (MQClientException error) {
            if (error.getResponseCode() > 0) {
                return error.getResponseCode();
            }
            throw new AssertionError("refused by the client, not by a server: " + error, error);
        } catch (Exception error) {
            throw new AssertionError("not refused by a server: " + error, error);
        }
        throw new AssertionError("was not refused");
    }

    /** Sends one message with this body and waits for the result. */
    protected final SendResult send(DefaultMQProducer producer, String topic, String tags, String body) {
        return get(() -> producer.send(new Message(topic, tags, bytes(body))));
    }

    /** A started push consumer that reads the topic from the start and acknowledges everything. */
    protected final Inbox consume(String group, String topic, String expression) {
        return consume(group, consumer -> run(() -> consumer.subscribe(topic, expression)));
    }

    /** The same, with settings (at least a subscription) made before the start. */
    protected final Inbox consume(String group, Consumer<DefaultMQPushConsumer> settings) {
        DefaultMQPushConsumer consumer = configured(new DefaultMQPushConsumer(group));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAwaitTerminationMillisWhenShutdown(5_000); // or the offset of what is being handled is not stored
        Inbox inbox = new Inbox(consumer);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            inbox.add(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        settings.accept(consumer);
        run(consumer::start);
        shutdownLater(consumer::shutdown);
        return inbox;
    }

    /** A started pull consumer, which sends one request per call. */
    @SuppressWarnings("deprecation") // the only client that shows the broker's answers to single pulls
    protected final DefaultMQPullConsumer pullConsumer(String group) {
        DefaultMQPullConsumer consumer = configured(new DefaultMQPullConsumer(group));
        run(consumer::start);
        shutdownLater(consumer::shutdown);
        return consumer;
    }

    /** A started lite pull consumer, with settings (at least a subscription or an assignment later) made before the start. */
    protected final DefaultLitePullConsumer litePullConsumer(String group, Consumer<DefaultLitePullConsumer> settings) {
        DefaultLitePullConsumer consumer = configured(new DefaultLitePullConsumer(group));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        settings.accept(consumer);
        run(consumer::start);
        shutdownLater(consumer::shutdown);
        return consumer;
    }

    /** One request to the first broker, one answer, whatever its code: for what no client sends by itself. */
    protected static RemotingCommand request(int code, CommandCustomHeader header, byte[] body) {
        return request(broker.address, code, header, body);
    }

    protected static RemotingCommand request(String address, int code, CommandCustomHeader header, byte[] body) {
        RemotingCommand command = RemotingCommand.createRequestCommand(code, header);
        command.setBody(body);
        return get(() -> remoting().invokeSync(address, command, REQUEST_TIMEOUT_MS));
    }

    /**
     * Runs an mqadmin command in this JVM and returns what it printed. {@code -n} is added unless given. Wrong arguments would
     * end the JVM, so write them right.
     */
    protected static String mqadmin(String... arguments) {
        List<String> all = new ArrayList<>(Arrays.asList(arguments));
        if (!all.contains("-n")) {
            all.addAll(List.of("-n", cluster.namesrvAddr()));
        }
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        synchronized (STANDARD_OUTPUT) {
            PrintStream out = System.out;
            PrintStream err = System.err;
            PrintStream capture = new PrintStream(printed, true, StandardCharsets.UTF_8);
            System.setOut(capture);
            System.setErr(capture);
            try {
                Mqadmin.execute(all);
            } finally {
                System.setOut(out);
                System.setErr(err);
            }
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    // Waiting

    /** Polls until the condition holds; one that throws does not hold yet. Fails after 30 s, saying what was awaited. */
    protected static void await(String what, Callable<Boolean> condition) {
        await(what, condition, holds -> holds);
    }

    /** Polls until the value is as wanted, and returns it. */
    protected static <T> T await(String what, Callable<T> read, Predicate<T> wanted) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        T last = null;
        Exception error = null;
        do {
            try {
                error = null;
                last = read.call();
                if (wanted.test(last)) {
                    return last;
                }
                Thread.sleep(20);
            } catch (InterruptedException interrupt) {
                throw new AssertionError("interrupted while waiting for " + what, interrupt);
            } catch (Exception thrown) {
                error = thrown;
                sleepShortly(what);
            }
        } while (System.nanoTime() < deadline);
        throw new AssertionError("gave up waiting for " + what + "; saw " + last, error);
    }

    private static void sleepShortly(String what) {
        try {
            Thread.sleep(20);
        } catch (InterruptedException interrupt) {
            throw new AssertionError("interrupted while waiting for " + what, interrupt);
        }
    }

    /** Code that may throw what it likes. */
    protected interface Action {
        void run() throws Exception;
    }

    /** For lambdas that may throw no checked exception. */
    protected static void run(Action action) {
        get(() -> {
            action.run();
            return null;
        });
    }

    protected static <T> T get(Callable<T> action) {
        try {
            return action.call();
        } catch (RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error.toString(), error);
        }
    }

    private static DefaultMQAdminExt startAdmin() {
        DefaultMQAdminExt started = configured(new DefaultMQAdminExt(REQUEST_TIMEOUT_MS));
        started.setAdminExtGroup(unique("admin"));
        run(started::start);
        // A route tells it the addresses of the brokers: every broker has a topic of its own name.
        cluster.brokers.forEach(each -> run(() -> started.maxOffset(new MessageQueue(each.name, each.name, 0))));
        return started;
    }

    private static synchronized NettyRemotingClient remoting() {
        if (remoting == null) {
            remoting = new NettyRemotingClient(new NettyClientConfig());
            remoting.start();
        }
        return remoting;
    }
}
