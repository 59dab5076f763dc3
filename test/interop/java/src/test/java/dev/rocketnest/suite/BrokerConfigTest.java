package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.SuiteTest;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.junit.jupiter.api.Test;

/** Options of a running broker. */
class BrokerConfigTest extends SuiteTest {

    @Test
    @Feature(area = "Configuration", name = "get")
    void theBrokerShowsItsOptions() throws Exception {
        Properties config = admin.getBrokerConfig(broker.address);
        assertEquals(broker.name, config.getProperty("brokerName"));
        assertEquals(cluster.name, config.getProperty("brokerClusterName"));
        assertEquals(broker.address.substring(broker.address.indexOf(':') + 1), config.getProperty("listenPort"));
        for (String key : new String[] {"brokerPermission", "flushDiskType", "fileReservedTime", "maxMessageSize",
            "autoCreateTopicEnable", "messageDelayLevel", "storePathRootDir", "brokerId"}) {
            assertTrue(config.containsKey(key), key);
        }
    }

    @Test
    @Feature(area = "Configuration", name = "update at run time")
    void aChangedOptionIsShownAndHasANewVersion() throws Exception {
        String version = configVersion();
        change("defaultQueryMaxNum", "33");
        assertEquals("33", option("defaultQueryMaxNum"));
        assertNotEquals(version, configVersion());
    }

    @Test
    @Feature(area = "Configuration", name = "update at run time")
    void severalOptionsChangeAtOnceAndThoseWithoutUseAreKept() throws Exception {
        String before = option("defaultQueryMaxNum");
        closeLater(() -> set("defaultQueryMaxNum", before));
        Properties changes = new Properties();
        changes.setProperty("defaultQueryMaxNum", "31");
        changes.setProperty("sendMessageThreadPoolNums", "7");
        admin.updateBrokerConfig(broker.address, changes);
        Properties config = admin.getBrokerConfig(broker.address);
        assertEquals("31", config.getProperty("defaultQueryMaxNum"));
        assertEquals("7", config.getProperty("sendMessageThreadPoolNums"));
    }

    @Test
    @Feature(area = "Configuration", name = "changes survive a restart")
    void aChangedOptionSurvivesARestart() throws Exception {
        change("defaultQueryMaxNum", "29");
        broker.restart();
        assertEquals("29", await("configuration", () -> option("defaultQueryMaxNum"), value -> value != null));
    }

    @Test
    @Feature(area = "Configuration", name = "black list")
    void optionsOfTheBlackListCannotBeChanged() throws Exception {
        for (String key : new String[] {"brokerConfigPath", "configBlackList", "rocketmqHome"}) {
            assertEquals(ResponseCode.NO_PERMISSION, refusal(() -> set(key, "/tmp/elsewhere")), key);
        }
    }

    @Test
    @Feature(area = "Configuration", name = "update through mqadmin")
    void mqadminChangesOneBrokerOrAllOfACluster() throws Exception {
        String before = option("defaultQueryMaxNum");
        closeLater(() -> set("defaultQueryMaxNum", before));
        String one = mqadmin("updateBrokerConfig", "-b", broker.address, "-k", "defaultQueryMaxNum", "-v", "40");
        assertTrue(one.contains("update broker config success, " + broker.address), one);
        assertEquals("40", option("defaultQueryMaxNum"));
        String all = mqadmin("updateBrokerConfig", "-c", cluster.name, "-k", "defaultQueryMaxNum", "-v", "41");
        assertTrue(all.contains("update broker config success, " + broker.address), all);
        String printed = mqadmin("getBrokerConfig", "-b", broker.address);
        assertTrue(printed.matches("(?s).*defaultQueryMaxNum\\s+=\\s+41\\n.*"), printed);
    }

    @Test
    @Feature(area = "Configuration", name = "long polling is switched off at run time")
    void shortPollingAnswersSoon() throws Exception {
        change("shortPollingTimeMills", "200");
        change("longPollingEnable", "false");
        String topic = topic(1);
        DefaultMQPullConsumer consumer = pullConsumer(group());
        long start = System.nanoTime();
        PullResult result = consumer.pullBlockIfNotFound(queue(topic, 0), "*", 0, 32);
        long tookMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        assertEquals(PullStatus.NO_NEW_MSG, result.getPullStatus());
        // The client asks to be held for 20 s; a sweep that was under way may still take its 5 s.
        assertTrue(tookMs < 8_000, "held for " + tookMs + " ms");
    }

    @Test
    @Feature(area = "Configuration", name = "maxMessageSize changes at run time")
    void theSizeLimitChangesAtRunTime() throws Exception {
        String topic = topic(1);
        DefaultMQProducer producer = producer();
        producer.send(new Message(topic, new byte[3_000]));
        change("maxMessageSize", "2000");
        assertEquals(ResponseCode.MESSAGE_ILLEGAL, refusal(() -> producer.send(new Message(topic, new byte[3_000]))));
        producer.send(new Message(topic, new byte[1_000]));
    }

    @Test
    @Feature(area = "Configuration", name = "broker permission changes at run time and reaches the routes")
    void thePermissionOfABrokerShowsInRoutes() throws Exception {
        String topic = topic();
        closeLater(() -> {
            set("brokerPermission", "6");
            await("writable again", () -> permission(topic) == 6);
        });
        set("brokerPermission", "4");
        await("read only", () -> permission(topic) == 4);
    }

    private int permission(String topic) throws Exception {
        return admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getPerm();
    }

    @Test
    @Feature(area = "Configuration", name = "pulling is forbidden at run time")
    void aBrokerThatMayNotBeReadRefusesPulls() throws Exception {
        String topic = topic(1);
        DefaultMQPullConsumer consumer = pullConsumer(group());
        assertFalse(consumer.fetchSubscribeMessageQueues(topic).isEmpty());
        closeLater(() -> {
            set("brokerPermission", "6");
            await("readable again", () -> permission(topic) == 6);
        });
        set("brokerPermission", "2");
        assertEquals(ResponseCode.NO_PERMISSION, refusal(() -> consumer.pull(queue(topic, 0), "*", 0, 1)));
    }

    private String option(String key) throws Exception {
        return admin.getBrokerConfig(broker.address).getProperty(key);
    }

    private void set(String key, String value) throws Exception {
        Properties changes = new Properties();
        changes.setProperty(key, value);
        admin.updateBrokerConfig(broker.address, changes);
    }

    /** Changes an option until the end of the test. */
    private void change(String key, String value) throws Exception {
        String before = option(key);
        closeLater(() -> set(key, before));
        set(key, value);
    }

    private String configVersion() {
        RemotingCommand response = request(RequestCode.GET_BROKER_CONFIG, null, null);
        assertEquals(ResponseCode.SUCCESS, response.getCode());
        assertTrue(new String(response.getBody(), StandardCharsets.UTF_8).contains("brokerName="));
        return response.getExtFields().get("version");
    }
}
