package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.body.BrokerStatsData;
import org.apache.rocketmq.remoting.protocol.body.HARuntimeInfo;
import org.apache.rocketmq.remoting.protocol.body.KVTable;
import org.apache.rocketmq.remoting.protocol.body.ProducerConnection;
import org.apache.rocketmq.remoting.protocol.body.ProducerInfo;
import org.apache.rocketmq.remoting.protocol.body.ProducerTableInfo;
import org.junit.jupiter.api.Test;

/** What a broker tells about its work. */
class BrokerStatsTest extends SuiteTest {

    @Test
    @Feature(area = "Statistics", name = "puts and gets by topic, group and broker")
    void putsGetsAndMessagesGivenBackAreCounted() throws Exception {
        String topic = topic(1);
        String group = group();
        AtomicBoolean refused = new AtomicBoolean();
        DefaultMQPushConsumer consumer = configured(new DefaultMQPushConsumer(group));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        Inbox inbox = new Inbox(consumer);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            inbox.add(messages);
            return refused.compareAndSet(false, true)
                ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.subscribe(topic, "*");
        consumer.start();
        shutdownLater(consumer::shutdown);

        DefaultMQProducer producer = producer();
        Map<String, String> before = runtime();
        for (int i = 0; i < 7; i++) {
            producer.send(new Message(topic, new byte[100]));
        }
        inbox.await(8);

        String key = topic + "@" + group;
        BrokerStatsData puts = await("puts", () -> stats("TOPIC_PUT_NUMS", topic), data -> data.getStatsMinute().getSum() == 7);
        assertEquals(1.0, puts.getStatsMinute().getAvgpt());
        assertTrue(puts.getStatsMinute().getTps() > 0);
        await("bytes put", () -> stats("TOPIC_PUT_SIZE", topic).getStatsMinute().getSum() > 700);
        await("gets", () -> stats("GROUP_GET_NUMS", key).getStatsMinute().getSum() == 7);
        await("bytes got", () -> stats("GROUP_GET_SIZE", key).getStatsMinute().getSum() > 700);
        await("given back", () -> stats("SNDBCK_PUT_NUMS", key).getStatsMinute().getSum() == 1);
        await("puts of the broker", () -> stats("BROKER_PUT_NUMS", cluster.name).getStatsMinute().getSum() >= 7);
        await("gets of the broker", () -> stats("BROKER_GET_NUMS", cluster.name).getStatsMinute().getSum() >= 7);
        await("latency of puts", () -> stats("TOPIC_PUT_LATENCY", "0@" + topic).getStatsMinute() != null);
        await("latency of gets", () -> stats("GROUP_GET_LATENCY", "0@" + key).getStatsMinute() != null);

        assertTrue(admin.examineTopicStats(broker.address, topic).getTopicPutTps() > 0);
        assertTrue(admin.examineConsumeStats(group, topic).getConsumeTps() > 0);
        await("the group among all", () -> admin.fetchConsumeStatsInBroker(broker.address, false, 5_000)
            .getConsumeStatsList().stream().anyMatch(stats ->
                stats.containsKey(group) && stats.get(group).stream().anyMatch(one -> one.getConsumeTps() > 0)));

        Map<String, String> after = runtime();
        assertTrue(number(after, "msgPutTotalTodayNow") - number(before, "msgPutTotalTodayNow") >= 7);
        assertTrue(number(after, "msgGetTotalTodayNow") - number(before, "msgGetTotalTodayNow") >= 7);
        assertTrue(number(after, "putMessageTimesTotal") - number(before, "putMessageTimesTotal") >= 7);
        assertTrue(number(after, "putMessageSizeTotal") - number(before, "putMessageSizeTotal") > 700);
        assertTrue(Double.parseDouble(after.get("putTps").split(" ")[0]) > 0, after.get("putTps"));

        String printed = mqadmin("statsAll", "-t", topic);
        assertTrue(printed.contains(topic) && printed.contains(group), printed);
    }

    @Test
    @Feature(area = "Statistics", name = "unknown statistics are refused")
    void unknownStatisticsAreRefused() {
        assertEquals(ResponseCode.SYSTEM_ERROR, refusal(() -> stats("TOPIC_PUT_NUMS", unique("nobody"))));
        assertEquals(ResponseCode.SYSTEM_ERROR, refusal(() -> stats("NO_SUCH_NUMS", "x")));
    }

    private BrokerStatsData stats(String name, String key) throws Exception {
        return admin.viewBrokerStatsData(broker.address, name, key);
    }

    @Test
    @Feature(area = "Statistics", name = "runtime info of a broker")
    void theRuntimeInfoIsComplete() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        Message delayed = new Message(topic, bytes("later"));
        delayed.setDelayTimeLevel(1);
        producer.send(delayed);
        Map<String, String> info = await("runtime info", this::runtime,
            rows -> rows.containsKey("scheduleMessageOffset_1"));
        for (String row : new String[] {"bootTimestamp", "runtime", "brokerVersionDesc", "brokerActive",
            "putMessageEntireTimeMax", "putMessageTimesTotal", "putMessageFailedTimes", "putMessageSizeTotal",
            "putMessageDistributeTime", "putMessageAverageSize", "dispatchMaxBuffer", "getMessageEntireTimeMax", "putTps",
            "getFoundTps", "getMissTps", "getTotalTps", "getTransferredTps", "putLatency99", "putLatency999",
            "commitLogDiskRatio", "consumeQueueDiskRatio", "commitLogMinOffset", "commitLogMaxOffset",
            "msgPutTotalYesterdayMorning", "msgPutTotalTodayMorning", "msgPutTotalTodayNow",
            "msgGetTotalYesterdayMorning", "msgGetTotalTodayMorning", "msgGetTotalTodayNow", "dispatchBehindBytes",
            "pageCacheLockTimeMills", "earliestMessageTimeStamp", "startAcceptSendRequestTimeStamp", "timerReadBehind",
            "timerOffsetBehind", "timerCongestNum", "timerEnqueueTps", "timerDequeueTps",
            "remainTransientStoreBufferNumbs", "remainHowManyDataToFlush", "commitLogDirCapacity",
            "sendThreadPoolQueueSize", "sendThreadPoolQueueCapacity", "pullThreadPoolQueueSize",
            "pullThreadPoolQueueCapacity", "litePullThreadPoolQueueSize", "litePullThreadPoolQueueCapacity",
            "queryThreadPoolQueueSize", "queryThreadPoolQueueCapacity", "ackThreadPoolQueueSize",
            "ackThreadPoolQueueCapacity", "sendThreadPoolQueueHeadWaitTimeMills", "pullThreadPoolQueueHeadWaitTimeMills",
            "queryThreadPoolQueueHeadWaitTimeMills", "litePullThreadPoolQueueHeadWaitTimeMills",
            "ackThreadPoolQueueHeadWaitTimeMills", "EndTransactionQueueSize", "EndTransactionThreadPoolQueueCapacity"}) {
            assertTrue(info.containsKey(row), row);
        }
        assertTrue(info.get("commitLogDirCapacity").matches("Total : [0-9.]+ [KMGTPE]?i?B, Free : [0-9.]+ [KMGTPE]?i?B\\."),
            info.get("commitLogDirCapacity"));
        assertTrue(info.get("runtime").matches("\\[ \\d+ days, \\d+ hours, \\d+ minutes, \\d+ seconds \\]"), info.get("runtime"));
        assertTrue(info.get("remainHowManyDataToFlush").matches("[0-9.]+ [KMGTPE]?i?B"), info.get("remainHowManyDataToFlush"));
        assertTrue(info.get("scheduleMessageOffset_1").matches("\\d+,\\d+"), info.get("scheduleMessageOffset_1"));
        double used = Double.parseDouble(info.get("commitLogDiskRatio"));
        assertTrue(used > 0 && used <= 1, info.get("commitLogDiskRatio"));
        assertTrue(number(info, "commitLogMaxOffset") > number(info, "commitLogMinOffset"));
        assertTrue(number(info, "earliestMessageTimeStamp") <= System.currentTimeMillis());
        assertTrue(number(info, "earliestMessageTimeStamp") > System.currentTimeMillis() - 3_600_000);
        assertTrue(number(info, "bootTimestamp") <= System.currentTimeMillis());
        String printed = mqadmin("brokerStatus", "-b", broker.address);
        assertTrue(printed.contains("putTps") && printed.contains("commitLogDirCapacity"), printed);
    }

    private Map<String, String> runtime() throws Exception {
        KVTable table = admin.fetchBrokerRuntimeStats(broker.address);
        return table.getTable();
    }

    private static long number(Map<String, String> rows, String row) {
        return Long.parseLong(rows.get(row));
    }

    @Test
    @Feature(area = "Statistics", name = "connected producers")
    void connectedProducersAreListed() throws Exception {
        String topic = topic();
        DefaultMQProducer producer = producer();
        producer.send(new Message(topic, bytes("hello")));
        String group = producer.getProducerGroup();
        ProducerTableInfo table = await("the producer", () -> admin.getAllProducerInfo(broker.address),
            found -> found.getData().containsKey(group));
        ProducerInfo info = table.getData().get(group).get(0);
        assertEquals(producer.buildMQClientId(), info.getClientId());
        assertTrue(info.getLastUpdateTimestamp() > System.currentTimeMillis() - 60_000);
        ProducerConnection connections = admin.examineProducerConnectionInfo(group, topic);
        assertEquals(1, connections.getConnectionSet().size());
        assertEquals(producer.buildMQClientId(), connections.getConnectionSet().iterator().next().getClientId());
        String printed = mqadmin("producer", "-b", broker.address);
        assertTrue(printed.contains(group), printed);
        assertFalse(table.getData().containsKey(unique("nobody")));
    }

    @Test
    @Feature(area = "Statistics", name = "state of replication")
    void aMasterWithoutSlavesSaysSo() throws Exception {
        HARuntimeInfo info = admin.getBrokerHAStatus(broker.address);
        assertTrue(info.isMaster());
        assertEquals(0, info.getHaConnectionInfo().size());
        String printed = mqadmin("haStatus", "-b", broker.address);
        assertTrue(printed.contains("MasterCommitLogMaxOffset") || printed.contains("#MasterAddr"), printed);
    }

    @Test
    @Feature(area = "Statistics", name = "progress of delay levels")
    void theProgressOfDelayLevelsIsShown() {
        String body = new String(request(RequestCode.GET_ALL_DELAY_OFFSET, null, null).getBody());
        assertTrue(body.contains("offsetTable"), body);
    }

    @Test
    @Feature(area = "Statistics", name = "brokers of a cluster")
    void theClusterListShowsTheBroker() {
        String printed = mqadmin("clusterList", "-c", cluster.name);
        assertTrue(printed.contains(broker.name) && printed.contains(broker.address) && printed.contains("V5_5_0"), printed);
        String more = mqadmin("clusterList", "-m", "-c", cluster.name);
        assertTrue(more.contains(broker.name), more);
    }
}
