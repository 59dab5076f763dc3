package dev.rocketnest.suite.support;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.message.MessageExt;

/** What a consumer received so far, in order of arrival. */
public final class Inbox {

    /** The consumer that fills it; null for one that a test fills itself. */
    public final DefaultMQPushConsumer consumer;
    private final List<MessageExt> messages = new ArrayList<>();

    public Inbox(DefaultMQPushConsumer consumer) {
        this.consumer = consumer;
    }

    public synchronized void add(List<MessageExt> received) {
        messages.addAll(received);
    }

    public synchronized List<MessageExt> messages() {
        return List.copyOf(messages);
    }

    public synchronized int size() {
        return messages.size();
    }

    public List<String> bodies() {
        return each(message -> new String(message.getBody(), StandardCharsets.UTF_8));
    }

    public <T> List<T> each(Function<MessageExt, T> read) {
        return messages().stream().map(read).collect(Collectors.toList());
    }

    /** Waits for that many messages and returns all bodies, sorted, for comparison where the order does not matter. */
    public List<String> awaitBodies(int count) {
        await(count);
        List<String> bodies = new ArrayList<>(bodies());
        bodies.sort(null);
        return bodies;
    }

    /** Waits until each of these came, and fails if anything else did. For what may be delivered more than once. */
    public void awaitEach(String... expected) {
        SuiteTest.await("messages " + List.of(expected), () -> bodies().containsAll(List.of(expected)));
        if (!Set.of(expected).containsAll(bodies())) {
            throw new AssertionError("expected only " + List.of(expected) + ", got " + bodies());
        }
    }

    /** Waits for that many messages and returns all that came. */
    public List<MessageExt> await(int count) {
        SuiteTest.await(count + " messages, got " + each(MessageExt::getMsgId), () -> size() >= count);
        return messages();
    }
}
