package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Cluster;
import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.Profile;
import dev.rocketnest.suite.support.SuiteTest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.header.GetMaxOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.statictopic.LogicQueueMappingItem;
import org.apache.rocketmq.remoting.protocol.statictopic.TopicConfigAndQueueMapping;
import org.apache.rocketmq.remoting.protocol.statictopic.TopicQueueMappingInfo;
import org.junit.jupiter.api.Test;

/** Static topics: logic queues over two brokers, before and after remapping. */
@Profile("two-brokers")
class StaticTopicTest extends SuiteTest {

    /** What clients call the broker of every logic queue. */
    private static final String LOGIC_BROKER = "__syslo__global__";
    /** Logic offsets after a remapping start at a multiple of this. */
    private static final long BLOCK = 10_000;
    private static final int PER_QUEUE = 5;

    private static final Cluster.Broker a = cluster.brokers.get(0);
    private static final Cluster.Broker b = cluster.brokers.get(1);

    @Test
    @Feature(area = "Static topics", name = "logic queues over two brokers")
    void aTopicOverTwoBrokersIsSentAndConsumed() {
        String topic = create(4, a, b);
        DefaultMQProducer producer = producer();
        sendEach(producer, topic, 4, 0);
        assertEquals(Set.of(a.name, b.name), leaders(topic));
        assertOffsets(topic, 4, 0, PER_QUEUE);

        Inbox inbox = consume(group(), topic, "*");
        inbox.await(4 * PER_QUEUE);
        assertQueues(inbox, 4, LongStream.range(0, PER_QUEUE));
    }

    @Test
    @Feature(area = "Static topics", name = "remapping to another broker")
    void consumersGoOnInTheNewBrokerAfterARemapping() {
        String topic = create(2, a);
        DefaultMQProducer producer = producer();
        sendEach(producer, topic, 2, 0);
        Inbox before = consume(group(), topic, "*");
        before.await(2 * PER_QUEUE);

        remap(topic, b);
        sendEach(producer, topic, 2, BLOCK);
        before.await(4 * PER_QUEUE);
        LongStream all = LongStream.concat(LongStream.range(0, PER_QUEUE), LongStream.range(BLOCK, BLOCK + PER_QUEUE));
        long[] offsets = all.toArray();
        assertQueues(before, 2, LongStream.of(offsets));
        assertOffsets(topic, 2, 0, BLOCK + PER_QUEUE);

        // a group that starts afterwards reads the old broker's part through the new one
        Inbox after = consume(group(), topic, "*");
        after.await(4 * PER_QUEUE);
        assertQueues(after, 2, LongStream.of(offsets));
    }

    @Test
    @Feature(area = "Static topics", name = "consumer offsets survive remappings")
    void aStoppedGroupContinuesWhereItWasAfterRemappingForthAndBack() {
        String topic = create(2, a);
        DefaultMQProducer producer = producer();
        String group = group();
        sendEach(producer, topic, 2, 0);
        Inbox first = consume(group, topic, "*");
        first.await(2 * PER_QUEUE);
        await("offsets of " + group, () -> consumed(group, topic, 2), List.of((long) PER_QUEUE, (long) PER_QUEUE)::equals);
        first.consumer.shutdown();

        remap(topic, b);
        sendEach(producer, topic, 2, BLOCK);
        remap(topic, a);
        sendEach(producer, topic, 2, 2 * BLOCK);
        assertEquals(List.of((long) PER_QUEUE, (long) PER_QUEUE), consumed(group, topic, 2));

        Inbox second = consume(group, topic, "*");
        second.await(4 * PER_QUEUE);
        assertQueues(second, 2, LongStream.concat(
            LongStream.range(BLOCK, BLOCK + PER_QUEUE), LongStream.range(2 * BLOCK, 2 * BLOCK + PER_QUEUE)));
        second.consumer.shutdown();
        for (MessageQueue queue : producerQueues(producer, topic)) {
            assertEquals(2 * BLOCK + PER_QUEUE, get(() -> pullConsumer(group).fetchConsumeOffset(queue, true)));
        }
    }

    @Test
    @Feature(area = "Static topics", name = "mappings survive restarts")
    void mappingsSurviveARestart() {
        String topic = create(2, a);
        DefaultMQProducer producer = producer();
        sendEach(producer, topic, 2, 0);
        remap(topic, b);
        Map<Integer, List<LogicQueueMappingItem>> queues = mapping(b, topic).getMappingDetail().getHostedQueues();
        b.restart();
        assertEquals(queues, mapping(b, topic).getMappingDetail().getHostedQueues());
        untilRouted(producer, topic, b);
        sendEach(producer, topic, 2, BLOCK);
        consume(group(), topic, "*").await(4 * PER_QUEUE);
    }

    @Test
    @Feature(area = "Static topics", name = "queues are served by their leader only")
    void otherBrokersThanTheLeaderRefuse() {
        String topic = create(1, a);
        remap(topic, b);
        GetMaxOffsetRequestHeader header = new GetMaxOffsetRequestHeader();
        header.setTopic(topic);
        header.setQueueId(0);
        header.setLo(true);
        assertEquals(ResponseCode.NOT_LEADER_FOR_QUEUE, request(a.address, RequestCode.GET_MAX_OFFSET, header, null).getCode());
        assertEquals(ResponseCode.SUCCESS, request(b.address, RequestCode.GET_MAX_OFFSET, header, null).getCode());
        header.setLo(false); // its own queue of that number
        assertEquals(ResponseCode.SUCCESS, request(a.address, RequestCode.GET_MAX_OFFSET, header, null).getCode());
    }

    @Test
    @Feature(area = "Static topics", name = "old mappings are refused")
    void aMappingOlderThanTheBrokersIsRefused() {
        String topic = create(1, a);
        TopicConfigAndQueueMapping current = mapping(a, topic);
        current.getMappingDetail().setEpoch(current.getMappingDetail().getEpoch() - 1);
        String refusal = "";
        try {
            admin.createStaticTopic(a.address, "TBW102", current, current.getMappingDetail(), false);
        } catch (Exception error) {
            refusal = error.toString();
        }
        assertTrue(refusal.contains("epoch"), refusal);
    }

    @Test
    @Feature(area = "Static topics", name = "more queues for a topic")
    void aTopicGetsMoreQueues() {
        String topic = create(1, a);
        mqadmin("updateStaticTopic", "-t", topic, "-qn", "3", "-b", b.name);
        await("3 queues", () -> producerQueues(producer(), topic).size() == 3);
        sendEach(producer(), topic, 3, 0);
        consume(group(), topic, "*").await(3 * PER_QUEUE);
    }

    @Test
    @Feature(area = "Static topics", name = "orderly consumption")
    void queuesOfTwoBrokersAreConsumedInOrder() {
        String topic = create(2, a, b);
        DefaultMQProducer producer = producer();
        Inbox inbox = new Inbox(null);
        consume(group(), consumer -> {
            run(() -> consumer.subscribe(topic, "*"));
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                inbox.add(messages);
                return ConsumeOrderlyStatus.SUCCESS;
            });
        });
        sendEach(producer, topic, 2, 0);
        inbox.await(2 * PER_QUEUE);
        List<Long> offsets = inbox.messages().stream().filter(message -> message.getQueueId() == 1)
            .map(MessageExt::getQueueOffset).collect(Collectors.toList());
        assertEquals(LongStream.range(0, PER_QUEUE).boxed().collect(Collectors.toList()), offsets);
    }

    @Test
    @Feature(area = "Static topics", name = "retries")
    void aMessageThatFailsComesBack() {
        String topic = create(1, b);
        Inbox inbox = new Inbox(null);
        consume(group(), consumer -> {
            run(() -> consumer.subscribe(topic, "*"));
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                inbox.add(messages);
                context.setDelayLevelWhenNextConsume(1);
                return messages.get(0).getReconsumeTimes() == 0
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        });
        send(producer(), topic, null, "again");
        List<MessageExt> received = inbox.await(2);
        assertEquals(List.of(0, 1), received.stream().map(MessageExt::getReconsumeTimes).collect(Collectors.toList()));
        assertEquals(List.of("again", "again"), inbox.bodies());
    }

    // What operators do

    private static String create(int queues, Cluster.Broker... brokers) {
        String topic = unique("static");
        mqadmin("updateStaticTopic", "-t", topic, "-qn", Integer.toString(queues), "-b", namesOf(brokers));
        await("route of " + topic, () -> leaders(topic).equals(
            Stream.of(brokers).limit(queues).map(broker -> broker.name).collect(Collectors.toSet())));
        return topic;
    }

    private void remap(String topic, Cluster.Broker target) {
        mqadmin("remappingStaticTopic", "-t", topic, "-b", target.name);
        await("route of " + topic, () -> leaders(topic).equals(Set.of(target.name)));
    }

    private static String namesOf(Cluster.Broker... brokers) {
        return Stream.of(brokers).map(broker -> broker.name).collect(Collectors.joining(","));
    }

    private static TopicConfigAndQueueMapping mapping(Cluster.Broker broker, String topic) {
        return (TopicConfigAndQueueMapping) await("mapping of " + topic, () -> admin.examineTopicConfig(broker.address, topic),
            config -> config != null);
    }

    /** The brokers that write the topic's queues, as clients see it. */
    private static Set<String> leaders(String topic) {
        Map<String, TopicQueueMappingInfo> infos = get(() -> admin.examineTopicRouteInfo(topic)).getTopicQueueMappingByBroker();
        Map<Integer, TopicQueueMappingInfo> newest = new TreeMap<>();
        for (TopicQueueMappingInfo info : infos.values()) {
            info.getCurrIdMap().keySet().forEach(id ->
                newest.merge(id, info, (one, other) -> one.getEpoch() > other.getEpoch() ? one : other));
        }
        return newest.values().stream().map(TopicQueueMappingInfo::getBname).collect(Collectors.toSet());
    }

    // What clients do

    private static List<MessageQueue> producerQueues(DefaultMQProducer producer, String topic) {
        producer.getDefaultMQProducerImpl().getMqClientFactory().updateTopicRouteInfoFromNameServer(topic);
        return get(() -> producer.fetchPublishMessageQueues(topic));
    }

    private static void untilRouted(DefaultMQProducer producer, String topic, Cluster.Broker leader) {
        await("route of " + topic, () -> leaders(topic).equals(Set.of(leader.name)));
        producerQueues(producer, topic);
    }

    /** Sends {@link #PER_QUEUE} messages to each logic queue and checks the offsets of the results. */
    private static void sendEach(DefaultMQProducer producer, String topic, int queues, long firstOffset) {
        List<MessageQueue> all = producerQueues(producer, topic).stream()
            .sorted(Comparator.comparing(MessageQueue::getQueueId)).collect(Collectors.toList());
        assertEquals(IntStream.range(0, queues).mapToObj(id -> new MessageQueue(topic, LOGIC_BROKER, id))
            .collect(Collectors.toList()), all);
        for (MessageQueue queue : all) {
            for (int number = 0; number < PER_QUEUE; number++) {
                Message message = new Message(topic, unique("body").getBytes(StandardCharsets.UTF_8));
                SendResult result = get(() -> producer.send(message, queue));
                assertEquals(queue.getQueueId(), result.getMessageQueue().getQueueId());
                assertEquals(firstOffset + number, result.getQueueOffset());
            }
        }
    }

    private static void assertOffsets(String topic, int queues, long min, long max) {
        for (int id = 0; id < queues; id++) {
            MessageQueue queue = new MessageQueue(topic, LOGIC_BROKER, id);
            assertEquals(min, get(() -> admin.minOffset(queue)));
            await("end of " + queue, () -> admin.maxOffset(queue) == max);
        }
    }

    private static void assertQueues(Inbox inbox, int queues, LongStream offsets) {
        List<Long> expected = offsets.boxed().collect(Collectors.toList());
        Map<Integer, List<Long>> received = new TreeMap<>();
        for (MessageExt message : inbox.messages()) {
            assertEquals(LOGIC_BROKER, message.getBrokerName());
            received.computeIfAbsent(message.getQueueId(), id -> new ArrayList<>()).add(message.getQueueOffset());
        }
        received.values().forEach(each -> each.sort(null));
        assertEquals(IntStream.range(0, queues).boxed().collect(Collectors.toMap(id -> id, id -> expected)), received);
    }

    /** What a group consumed of each logic queue as offset of the physical queue, which is what the admin computes. */
    private static List<Long> consumed(String group, String topic, int queues) {
        Map<MessageQueue, OffsetWrapper> offsets = get(() -> admin.examineConsumeStats(group)).getOffsetTable();
        return IntStream.range(0, queues).mapToObj(id -> {
            OffsetWrapper wrapper = offsets.get(new MessageQueue(topic, LOGIC_BROKER, id));
            return wrapper == null ? -1 : wrapper.getConsumerOffset();
        }).collect(Collectors.toList());
    }
}
