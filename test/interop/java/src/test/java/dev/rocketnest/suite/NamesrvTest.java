package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Cluster;
import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Profile;
import dev.rocketnest.suite.support.SuiteTest;
import io.netty.channel.ChannelHandlerContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.constant.PermName;
import org.apache.rocketmq.common.namesrv.NamesrvUtil;
import org.apache.rocketmq.common.sysflag.TopicSysFlag;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.annotation.CFNotNull;
import org.apache.rocketmq.remoting.netty.NettyRequestProcessor;
import org.apache.rocketmq.remoting.netty.NettyRemotingServer;
import org.apache.rocketmq.remoting.netty.NettyServerConfig;
import org.apache.rocketmq.remoting.protocol.DataVersion;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.body.ClusterInfo;
import org.apache.rocketmq.remoting.protocol.body.GetBrokerMemberGroupResponseBody;
import org.apache.rocketmq.remoting.protocol.body.RegisterBrokerBody;
import org.apache.rocketmq.remoting.protocol.body.TopicList;
import org.apache.rocketmq.remoting.protocol.header.GetBrokerMemberGroupRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.GetTopicsByClusterRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.NotifyMinBrokerIdChangeRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.namesrv.BrokerHeartbeatRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.namesrv.QueryDataVersionRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.namesrv.RegisterTopicRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.namesrv.UnRegisterBrokerRequestHeader;
import org.apache.rocketmq.remoting.protocol.route.QueueData;
import org.apache.rocketmq.remoting.protocol.route.TopicRouteData;
import org.junit.jupiter.api.Test;

/** Two name servers that know nothing of each other, two brokers, and brokers that only say they are some. */
@Profile("two-brokers")
class NamesrvTest extends SuiteTest {

    private static final String first = cluster.namesrvs.get(0);
    private static final String FAKE_ADDRESS = "127.0.0.1:1";

    // Routes

    @Test
    @Feature(area = "Name server", name = "several name servers")
    void everyNameServerKnowsEveryBroker() {
        Set<String> names = cluster.brokers.stream().map(each -> each.name).collect(Collectors.toSet());
        for (String namesrv : cluster.namesrvs) {
            RemotingCommand answer = request(namesrv, RequestCode.GET_BROKER_CLUSTER_INFO, null, null);
            ClusterInfo info = ClusterInfo.decode(answer.getBody(), ClusterInfo.class);
            assertEquals(names, info.getBrokerAddrTable().keySet());
            assertEquals(Map.of(cluster.name, names), info.getClusterAddrTable());
        }
    }

    @Test
    @Feature(area = "Name server", name = "brokers that leave and come back")
    void aBrokerThatLeavesIsForgottenAndComesBack() {
        String topic = unique("T");
        Cluster.Broker leaving = cluster.brokers.get(1);
        run(() -> admin.createAndUpdateTopicConfig(leaving.address, new TopicConfig(topic, 2, 2)));
        await("route of " + topic, () -> routeOf(topic) != null);
        leaving.killAndRestart();
        await("route of " + topic, () -> routeOf(topic).getBrokerDatas().size() == 1);
        send(producer(), topic, null, "after the restart");
    }

    @Test
    @Feature(area = "Name server", name = "routes of unknown topics")
    void unknownTopicsHaveNoRoute() {
        assertEquals(ResponseCode.TOPIC_NOT_EXIST, routeAnswer(new RouteHeader(unique("none"))).getCode());
    }

    @Test
    @Feature(area = "Name server", name = "write permission of a broker")
    void producersLeaveABrokerWithoutWritePermission() {
        FakeBroker fake = register(new FakeBroker(0), "wiped-" + unique("T"));
        try {
            assertEquals(2, get(() -> admin.wipeWritePermOfBroker(first, fake.brokerName)));
            assertEquals(PermName.PERM_READ, permOf(fake));
            register(fake); // unchanged topics stay as they are
            assertEquals(PermName.PERM_READ, permOf(fake));
            assertEquals(2, get(() -> admin.addWritePermOfBroker(first, fake.brokerName)));
            assertEquals(PermName.PERM_READ | PermName.PERM_WRITE, permOf(fake));
            String printed = mqadmin("wipeWritePerm", "-b", fake.brokerName, "-n", first);
            assertTrue(printed.contains("wipe write perm of broker[" + fake.brokerName + "] in name server[" + first + "] OK, 2"), printed);
        } finally {
            unregister(fake);
        }
    }

    @Test
    @Feature(area = "Name server", name = "topics by hand, and their deletion")
    void topicsAreRegisteredAndDeletedWithoutTheirBroker() {
        String topic = unique("manual");
        QueueData queues = new QueueData();
        queues.setBrokerName(broker.name);
        queues.setReadQueueNums(3);
        queues.setWriteQueueNums(3);
        queues.setPerm(6);
        registerByHand(topic, queues);
        assertEquals(3, routeOf(topic).getQueueDatas().get(0).getReadQueueNums());
        queues.setBrokerName("nobody");
        registerByHand(unique("manual"), queues); // taken, without effect
        run(() -> admin.deleteTopicInNameServer(Set.of(first), "no such cluster", topic));
        assertEquals(3, routeOf(topic).getQueueDatas().get(0).getReadQueueNums());
        run(() -> admin.deleteTopicInNameServer(Set.of(first), cluster.name, topic));
        assertNull(routeOf(topic));
        registerByHand(topic, queues);
        run(() -> admin.deleteTopicInNameServer(Set.of(first), topic));
        assertNull(routeOf(topic));
    }

    @Test
    @Feature(area = "Name server", name = "nearby brokers (zones)")
    void aRouteOfAZoneHasTheBrokersOfTheZone() {
        String topic = unique("zoned");
        FakeBroker near = new FakeBroker(0);
        near.__ZONE_NAME = "Here";
        FakeBroker far = new FakeBroker(0);
        far.__ZONE_NAME = "there";
        far.brokerAddr = "127.0.0.1:2";
        FakeBroker slaveOnly = new FakeBroker(1);
        slaveOnly.enableActingMaster = true;
        slaveOnly.brokerAddr = "127.0.0.1:3";
        slaveOnly.__ZONE_NAME = "there";
        try {
            Stream.of(near, far, slaveOnly).forEach(each -> register(each, topic));
            RouteHeader header = new RouteHeader(topic);
            header.__ZONE_NAME = "here";
            assertEquals(Set.of(near.brokerName, far.brokerName, slaveOnly.brokerName), brokersOf(header));
            header.__ZONE_MODE = "true";
            assertEquals(Set.of(near.brokerName, slaveOnly.brokerName), brokersOf(header));
        } finally {
            Stream.of(near, far, slaveOnly).forEach(NamesrvTest::unregister);
        }
    }

    // Lists

    @Test
    @Feature(area = "Name server", name = "topics of a cluster")
    void topicsAreListedByCluster() {
        String topic = topic();
        FakeBroker fake = new FakeBroker(0);
        fake.clusterName = unique("cluster");
        String other = unique("T");
        register(fake, other);
        try {
            assertTrue(get(() -> admin.fetchTopicsByCLuster(cluster.name)).getTopicList().contains(topic));
            assertEquals(Set.of(other, "second-" + other), topicsOf(fake.clusterName));
        } finally {
            unregister(fake);
        }
        assertEquals(Set.of(), topicsOf(fake.clusterName));
    }

    @Test
    @Feature(area = "Name server", name = "unit topics")
    void unitTopicsAreListedByTheirFlags() {
        Map<Integer, Integer> flagOf = Map.of(
            RequestCode.GET_UNIT_TOPIC_LIST, TopicSysFlag.buildSysFlag(true, true),
            RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST, TopicSysFlag.buildSysFlag(true, true),
            RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, TopicSysFlag.buildSysFlag(false, true));
        flagOf.forEach((code, flag) -> {
            TopicConfig config = new TopicConfig(unique("unit"), 1, 1);
            config.setTopicSysFlag(flag);
            String topic = topic(config);
            await("unit topic in list " + code, () -> list(code).contains(topic));
            assertEquals(code != RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, list(RequestCode.GET_UNIT_TOPIC_LIST).contains(topic));
        });
    }

    @Test
    @Feature(area = "Name server", name = "system topics")
    void clustersAndBrokersAreSystemTopics() {
        RemotingCommand answer = request(first, RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS, null, null);
        TopicList system = TopicList.decode(answer.getBody(), TopicList.class);
        assertTrue(system.getTopicList().containsAll(List.of(cluster.name, broker.name)));
        assertTrue(system.getBrokerAddr().contains(":"));
    }

    // Brokers

    @Test
    @Feature(area = "Name server", name = "members of a broker group")
    void theMembersOfABrokerGroupAreKnown() {
        FakeBroker master = register(new FakeBroker(0), unique("T"));
        FakeBroker slave = new FakeBroker(1);
        slave.brokerName = master.brokerName;
        slave.clusterName = master.clusterName;
        slave.brokerAddr = "127.0.0.1:4";
        register(slave, unique("T"));
        try {
            GetBrokerMemberGroupRequestHeader header = new GetBrokerMemberGroupRequestHeader();
            header.setClusterName(master.clusterName);
            header.setBrokerName(master.brokerName);
            RemotingCommand answer = request(first, RequestCode.GET_BROKER_MEMBER_GROUP, header, null);
            assertEquals(Map.of(0L, master.brokerAddr, 1L, slave.brokerAddr), GetBrokerMemberGroupResponseBody
                .decode(answer.getBody(), GetBrokerMemberGroupResponseBody.class).getBrokerMemberGroup().getBrokerAddrs());
        } finally {
            unregister(slave);
            unregister(master);
        }
    }

    @Test
    @Feature(area = "Name server", name = "data versions and heartbeats")
    void brokersAskWhetherTheirTopicsAreKnown() {
        FakeBroker fake = register(new FakeBroker(0), unique("T"));
        try {
            assertEquals("false", isChanged(fake, fake.version));
            DataVersion newer = new DataVersion();
            newer.nextVersion();
            assertEquals("true", isChanged(fake, newer));
            BrokerHeartbeatRequestHeader heartbeat = new BrokerHeartbeatRequestHeader();
            heartbeat.setClusterName(fake.clusterName);
            heartbeat.setBrokerName(fake.brokerName);
            heartbeat.setBrokerAddr(fake.brokerAddr);
            assertEquals(ResponseCode.SUCCESS, request(first, RequestCode.BROKER_HEARTBEAT, heartbeat, null).getCode());
        } finally {
            unregister(fake);
        }
        assertEquals("true", isChanged(fake, fake.version));
    }

    @Test
    @Feature(area = "Name server", name = "news of the lowest broker id")
    void aBrokerIsToldWhenItsGroupLosesItsMaster() throws Exception {
        setOption("notifyMinBrokerIdChanged", "true");
        closeLater(() -> setOption("notifyMinBrokerIdChanged", "false"));
        BlockingQueue<NotifyMinBrokerIdChangeRequestHeader> news = new LinkedBlockingQueue<>();
        FakeBroker master = new FakeBroker(0);
        FakeBroker slave = new FakeBroker(1);
        slave.brokerName = master.brokerName;
        slave.clusterName = master.clusterName;
        slave.brokerAddr = "127.0.0.1:" + listen(news);
        master.enableActingMaster = slave.enableActingMaster = true;
        register(master, unique("T"));
        register(slave, unique("T"));
        try {
            unregister(master);
            NotifyMinBrokerIdChangeRequestHeader told = news.poll(10, TimeUnit.SECONDS);
            assertEquals(1L, told.getMinBrokerId());
            assertEquals(slave.brokerAddr, told.getMinBrokerAddr());
            assertEquals(master.brokerAddr, told.getOfflineBrokerAddr());
        } finally {
            unregister(slave);
        }
    }

    @Test
    @Feature(area = "Name server", name = "damaged registrations are refused")
    void aRegistrationThatDoesNotMatchItsChecksumIsRefused() {
        FakeBroker fake = new FakeBroker(0);
        byte[] body = bodyOf(fake, List.of(unique("T")));
        fake.bodyCrc32 = UtilAll.crc32(body) + 1;
        RemotingCommand answer = request(first, RequestCode.REGISTER_BROKER, fake, body);
        assertEquals(ResponseCode.SYSTEM_ERROR, answer.getCode());
        assertEquals("crc32 not match", answer.getRemark());
    }

    // Configuration

    @Test
    @Feature(area = "Name server", name = "key-value configuration")
    void keyValuesAreKeptByEveryNameServer() {
        String namespace = unique("namespace");
        run(() -> admin.createAndUpdateKvConfig(namespace, "key", "value with = and \u00e4"));
        run(() -> admin.createAndUpdateKvConfig(namespace, "other", "2"));
        assertEquals("value with = and \u00e4", get(() -> admin.getKVConfig(namespace, "key")));
        assertEquals(Set.of("key", "other"), get(() -> admin.getKVListByNamespace(namespace)).getTable().keySet());
        run(() -> admin.deleteKvConfig(namespace, "key"));
        assertEquals(Map.of("other", "2"), get(() -> admin.getKVListByNamespace(namespace)).getTable());
        String refusal = "";
        try {
            admin.getKVListByNamespace(unique("namespace"));
        } catch (Exception error) {
            refusal = error.toString();
        }
        assertTrue(refusal.contains("No config item, Namespace"), refusal);
    }

    @Test
    @Feature(area = "Name server", name = "order configuration in routes")
    void routesCarryTheOrderConfigurationWhenToldTo() {
        String topic = topic();
        run(() -> admin.createOrUpdateOrderConf(topic, broker.name + ":4", true));
        assertNull(routeOf(topic).getOrderTopicConf());
        setOption("orderMessageEnable", "true");
        closeLater(() -> setOption("orderMessageEnable", "false"));
        assertEquals(broker.name + ":4", routeOf(topic).getOrderTopicConf());
        assertEquals(broker.name + ":4", get(() -> admin.getKVConfig(NamesrvUtil.NAMESPACE_ORDER_TOPIC_CONFIG, topic)));
    }

    @Test
    @Feature(area = "Name server", name = "options changed at run time")
    void optionsAreReadAndChangedAtRunTime() {
        assertEquals("true", option("enableTopicList"));
        setOption("enableTopicList", "false");
        closeLater(() -> setOption("enableTopicList", "true"));
        assertEquals("false", option("enableTopicList"));
        RemotingCommand refused = request(first, RequestCode.GET_UNIT_TOPIC_LIST, null, null);
        assertEquals(ResponseCode.SYSTEM_ERROR, refused.getCode());
        assertEquals("disable", refused.getRemark());
        setOption("enableTopicList", "true");
        assertEquals(ResponseCode.SUCCESS, request(first, RequestCode.GET_UNIT_TOPIC_LIST, null, null).getCode());
    }

    @Test
    @Feature(area = "Name server", name = "options that must not change")
    void optionsOfTheBlackListStayAsTheyAre() {
        for (String key : List.of("kvConfigPath", "configStorePath", "configBlackList", "rocketmqHome")) {
            byte[] body = (key + "=elsewhere\n").getBytes();
            assertEquals(ResponseCode.NO_PERMISSION, request(first, RequestCode.UPDATE_NAMESRV_CONFIG, null, body).getCode(), key);
        }
        assertFalse("elsewhere".equals(option("kvConfigPath")));
    }

    // Helpers

    /** REGISTER_BROKER's header with what brokers of a zone add to it. */
    public static final class FakeBroker implements CommandCustomHeader {
        public String brokerName = unique("fake");
        public String brokerAddr = FAKE_ADDRESS;
        public String clusterName = unique("fakes");
        public String haServerAddr = FAKE_ADDRESS;
        public Long brokerId;
        public Boolean enableActingMaster = false;
        public boolean compressed = false;
        public Integer bodyCrc32 = 0;
        public String __ZONE_NAME;
        /** Not on the wire. */
        final transient DataVersion version = new DataVersion();
        final transient List<String> topics = new ArrayList<>();

        FakeBroker(long brokerId) {
            this.brokerId = brokerId;
        }

        @Override
        public void checkFields() {
        }
    }

    /** GET_ROUTEINFO_BY_TOPIC's header with what clients of a zone add to it. */
    public static final class RouteHeader implements CommandCustomHeader {
        @CFNotNull
        public String topic;
        public String __ZONE_MODE;
        public String __ZONE_NAME;

        RouteHeader(String topic) {
            this.topic = topic;
        }

        @Override
        public void checkFields() {
        }
    }

    /** Registers with the first name server; a broker has a second topic beside each. */
    private static FakeBroker register(FakeBroker fake, String... topics) {
        for (String topic : topics) {
            fake.topics.addAll(List.of(topic, "second-" + topic));
        }
        byte[] body = bodyOf(fake, fake.topics);
        RemotingCommand answer = request(first, RequestCode.REGISTER_BROKER, fake, body);
        assertEquals(ResponseCode.SUCCESS, answer.getCode(), answer.getRemark());
        return fake;
    }

    private static byte[] bodyOf(FakeBroker fake, List<String> topics) {
        RegisterBrokerBody body = new RegisterBrokerBody();
        body.getTopicConfigSerializeWrapper().setDataVersion(fake.version);
        topics.forEach(topic -> body.getTopicConfigSerializeWrapper().getTopicConfigTable().put(topic, new TopicConfig(topic, 1, 1)));
        return body.encode();
    }

    private static void unregister(FakeBroker fake) {
        UnRegisterBrokerRequestHeader header = new UnRegisterBrokerRequestHeader();
        header.setBrokerName(fake.brokerName);
        header.setBrokerAddr(fake.brokerAddr);
        header.setClusterName(fake.clusterName);
        header.setBrokerId(fake.brokerId);
        assertEquals(ResponseCode.SUCCESS, request(first, RequestCode.UNREGISTER_BROKER, header, null).getCode());
    }

    private static String isChanged(FakeBroker fake, DataVersion version) {
        QueryDataVersionRequestHeader header = new QueryDataVersionRequestHeader();
        header.setBrokerName(fake.brokerName);
        header.setBrokerAddr(fake.brokerAddr);
        header.setClusterName(fake.clusterName);
        header.setBrokerId(fake.brokerId);
        return request(first, RequestCode.QUERY_DATA_VERSION, header, version.encode()).getExtFields().get("changed");
    }

    private static void registerByHand(String topic, QueueData queues) {
        TopicRouteData route = new TopicRouteData();
        route.setQueueDatas(List.of(queues));
        RegisterTopicRequestHeader header = new RegisterTopicRequestHeader();
        header.setTopic(topic);
        assertEquals(ResponseCode.SUCCESS, request(first, RequestCode.REGISTER_TOPIC_IN_NAMESRV, header, route.encode()).getCode());
    }

    /** Receives NOTIFY_MIN_BROKER_ID_CHANGE; answers the port. */
    private int listen(BlockingQueue<NotifyMinBrokerIdChangeRequestHeader> news) {
        NettyServerConfig config = new NettyServerConfig();
        config.setListenPort(0);
        NettyRemotingServer server = new NettyRemotingServer(config);
        ExecutorService executor = Executors.newSingleThreadExecutor();
        server.registerProcessor(RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE, new NettyRequestProcessor() {
            @Override
            public RemotingCommand processRequest(ChannelHandlerContext context, RemotingCommand request) throws Exception {
                news.add((NotifyMinBrokerIdChangeRequestHeader) request.decodeCommandCustomHeader(
                    NotifyMinBrokerIdChangeRequestHeader.class));
                return null;
            }

            @Override
            public boolean rejectRequest() {
                return false;
            }
        }, executor);
        server.start();
        closeLater(() -> {
            server.shutdown();
            executor.shutdown();
        });
        return server.localListenPort();
    }

    private static RemotingCommand routeAnswer(RouteHeader header) {
        return request(first, RequestCode.GET_ROUTEINFO_BY_TOPIC, header, null);
    }

    /** The route at the first name server; null when there is none. */
    private static TopicRouteData routeOf(String topic) {
        RemotingCommand answer = routeAnswer(new RouteHeader(topic));
        return answer.getCode() == ResponseCode.SUCCESS ? TopicRouteData.decode(answer.getBody(), TopicRouteData.class) : null;
    }

    private static Set<String> brokersOf(RouteHeader header) {
        return TopicRouteData.decode(routeAnswer(header).getBody(), TopicRouteData.class).getBrokerDatas().stream()
            .map(data -> data.getBrokerName()).collect(Collectors.toSet());
    }

    private static int permOf(FakeBroker fake) {
        return routeOf(fake.topics.get(0)).getQueueDatas().get(0).getPerm();
    }

    private static Set<String> list(int code) {
        return TopicList.decode(request(first, code, null, null).getBody(), TopicList.class).getTopicList();
    }

    private static Set<String> topicsOf(String clusterName) {
        GetTopicsByClusterRequestHeader header = new GetTopicsByClusterRequestHeader();
        header.setCluster(clusterName);
        RemotingCommand answer = request(first, RequestCode.GET_TOPICS_BY_CLUSTER, header, null);
        return TopicList.decode(answer.getBody(), TopicList.class).getTopicList();
    }

    private static String option(String key) {
        return get(() -> admin.getNameServerConfig(List.of(first))).get(first).getProperty(key);
    }

    private static void setOption(String key, String value) {
        Properties properties = new Properties();
        properties.setProperty(key, value);
        run(() -> admin.updateNameServerConfig(properties, List.of(first)));
    }
}
