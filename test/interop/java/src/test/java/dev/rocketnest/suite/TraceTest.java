package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;
import org.apache.rocketmq.client.trace.TraceType;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.topic.TopicValidator;
import org.junit.jupiter.api.Test;

/** Traces that the official clients write: to a topic, found by message id and by key. */
class TraceTest extends SuiteTest {

    private static final String AREA = "Message trace";

    @Test
    @Feature(area = AREA, name = "of sends and of consumption, found by message id")
    void sendsAndConsumptionAreFoundByMessageId() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = tracedProducer(null);
        SendResult sent = producer.send(message(topic, "key-" + topic));
        DefaultMQPushConsumer consumer = tracedConsumer(topic);
        List<TraceContext> traces = await("three records of " + sent.getMsgId(),
            () -> traces(TopicValidator.RMQ_SYS_TRACE_TOPIC, sent.getMsgId()),
            found -> types(found).containsAll(Set.of(TraceType.Pub, TraceType.SubBefore, TraceType.SubAfter)));
        TraceContext send = only(traces, TraceType.Pub);
        assertEquals(producer.getProducerGroup(), send.getGroupName());
        assertTrue(send.isSuccess());
        assertEquals(topic, send.getTraceBeans().get(0).getTopic());
        assertEquals(sent.getOffsetMsgId(), send.getTraceBeans().get(0).getOffsetMsgId());
        assertEquals(consumer.getConsumerGroup(), only(traces, TraceType.SubBefore).getGroupName());
        assertTrue(only(traces, TraceType.SubAfter).isSuccess());
        String printed = mqadmin("queryMsgTraceById", "-i", sent.getMsgId());
        assertTrue(printed.contains("Pub") && printed.contains("Sub") && printed.contains(consumer.getConsumerGroup()), printed);
    }

    @Test
    @Feature(area = AREA, name = "found by the key of the message")
    void sendsAreFoundByKey() throws Exception {
        String topic = topic(1);
        SendResult sent = tracedProducer(null).send(message(topic, "key-" + topic));
        List<TraceContext> traces = await("the trace", () -> traces(TopicValidator.RMQ_SYS_TRACE_TOPIC, "key-" + topic),
            found -> !found.isEmpty());
        assertEquals(sent.getMsgId(), only(traces, TraceType.Pub).getTraceBeans().get(0).getMsgId());
    }

    @Test
    @Feature(area = AREA, name = "in a topic of one's own")
    void tracesGoToATopicOfOnesOwn() throws Exception {
        String traceTopic = topic(1);
        SendResult sent = tracedProducer(traceTopic).send(message(topic(1), "key"));
        await("the trace", () -> traces(traceTopic, sent.getMsgId()), found -> types(found).contains(TraceType.Pub));
        assertTrue(mqadmin("queryMsgTraceById", "-i", sent.getMsgId(), "-t", traceTopic).contains("Pub"));
        assertEquals(List.of(), traces(TopicValidator.RMQ_SYS_TRACE_TOPIC, sent.getMsgId()));
    }

    private static Message message(String topic, String key) {
        return new Message(topic, "TagA", key, "traced".getBytes(StandardCharsets.UTF_8));
    }

    private DefaultMQProducer tracedProducer(String traceTopic) throws Exception {
        DefaultMQProducer producer = configured(new DefaultMQProducer(unique("P"), true, traceTopic));
        producer.start();
        closeLater(producer::shutdown);
        return producer;
    }

    private DefaultMQPushConsumer tracedConsumer(String topic) throws Exception {
        DefaultMQPushConsumer consumer = configured(
            new DefaultMQPushConsumer(group(), null, new AllocateMessageQueueAveragely(), true, null));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        Inbox inbox = new Inbox(consumer);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            inbox.add(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        closeLater(consumer::shutdown);
        inbox.await(1);
        return consumer;
    }

    /** Records about a message id or key: a trace message has those of many messages and all their ids and keys as its keys. */
    private static List<TraceContext> traces(String traceTopic, String key) throws Exception {
        List<TraceContext> found = new ArrayList<>();
        try {
            for (MessageExt trace : admin.queryMessage(traceTopic, key, 64, 0, System.currentTimeMillis() + 60_000).getMessageList()) {
                String text = new String(trace.getBody(), StandardCharsets.UTF_8);
                TraceDataEncoder.decoderFromTraceDataString(text).stream()
                    .filter(context -> context.getTraceBeans().stream()
                        .anyMatch(bean -> key.equals(bean.getMsgId()) || key.equals(bean.getKeys())))
                    .forEach(found::add);
            }
        } catch (org.apache.rocketmq.client.exception.MQClientException none) {
            return found;
        }
        return found;
    }

    private static Set<TraceType> types(List<TraceContext> traces) {
        return traces.stream().map(TraceContext::getTraceType).collect(Collectors.toSet());
    }

    private static TraceContext only(List<TraceContext> traces, TraceType type) {
        List<TraceContext> ofType = traces.stream().filter(trace -> trace.getTraceType() == type).collect(Collectors.toList());
        assertEquals(1, ofType.size(), () -> type + " in " + types(traces));
        return ofType.get(0);
    }
}
