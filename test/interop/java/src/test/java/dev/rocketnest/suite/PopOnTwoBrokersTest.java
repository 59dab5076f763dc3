package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.rocketnest.suite.support.Cluster;
import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.Profile;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.Test;

/** A topic on two brokers, popped by a consumer whose queues are assigned by the brokers. */
@Profile("two-brokers")
class PopOnTwoBrokersTest extends SuiteTest {

    @Test
    @Feature(area = "Pop", name = "push consumers pop from several brokers")
    void aConsumerPopsFromAllBrokers() throws Exception {
        String topic = unique("T");
        String group = group();
        for (Cluster.Broker each : cluster.brokers) {
            admin.createAndUpdateTopicConfig(each.address, new TopicConfig(topic, 2, 2));
            SubscriptionGroupConfig config = new SubscriptionGroupConfig();
            config.setGroupName(group);
            admin.createAndUpdateSubscriptionGroupConfig(each.address, config);
            admin.setMessageRequestMode(each.address, topic, group, MessageRequestMode.POP, 0, 10_000);
        }
        await("both brokers in the route",
            () -> admin.examineTopicRouteInfo(topic).getQueueDatas().size() == cluster.brokers.size());
        Inbox inbox = consume(group, consumer -> {
            consumer.setClientRebalance(false);
            run(() -> consumer.subscribe(topic, "*"));
        });
        DefaultMQProducer producer = producer();
        for (Cluster.Broker each : cluster.brokers) {
            for (int queueId = 0; queueId < 2; queueId++) {
                producer.send(new Message(topic, bytes(each.name + queueId)), new MessageQueue(topic, each.name, queueId));
            }
        }
        List<String> expected = cluster.brokers.stream().flatMap(each -> List.of(each.name + 0, each.name + 1).stream())
            .sorted().collect(Collectors.toList());
        assertEquals(expected, inbox.awaitBodies(expected.size()));
        Set<String> brokers = inbox.messages().stream().map(MessageExt::getBrokerName).collect(Collectors.toSet());
        assertEquals(cluster.brokers.stream().map(each -> each.name).collect(Collectors.toSet()), brokers);
        for (MessageExt message : inbox.messages()) {
            assertNotNull(message.getProperty(MessageConst.PROPERTY_POP_CK));
        }
    }
}
