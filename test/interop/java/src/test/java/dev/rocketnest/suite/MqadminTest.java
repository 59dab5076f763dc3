package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.rocketnest.suite.support.CommandChecks;
import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every command of mqadmin once, by the essential part of what it prints or does. */
class MqadminTest extends CommandChecks {

    /** Queue 0 has a0…a4, then late0 and late1, queue 1 has b0…b2; keys are the bodies, tags TagA and TagB. */
    private String topic;
    private List<SendResult> sent;
    private String producerGroup;
    /** Connected, has consumed everything. */
    private String group;
    private String clientId;
    /** Left when it had consumed everything but late0 and late1. */
    private String absentGroup;
    private Path directory;

    @BeforeEach
    void prepare() throws Exception {
        directory = Files.createTempDirectory("mqadmin");
        topic = topic(2);
        sent = new ArrayList<>();
        DefaultMQProducer producer = producer();
        producerGroup = producer.getProducerGroup();
        for (String body : List.of("a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2")) {
            sent.add(send(producer, body));
        }
        absentGroup = group();
        Inbox absent = consume(absentGroup, topic, "*");
        absent.await(8);
        absent.consumer.shutdown();
        sent.add(send(producer, "late0"));
        sent.add(send(producer, "late1"));
        group = group();
        Inbox present = consume(group, topic, "*");
        present.await(10);
        clientId = present.consumer.buildMQClientId();
        await("the group's offsets are on the broker", () ->
            admin.examineConsumeStats(group, topic).computeTotalDiff() == 0);
    }

    private SendResult send(DefaultMQProducer producer, String body) throws Exception {
        boolean second = body.startsWith("b");
        Message message = new Message(topic, second ? "TagB" : "TagA", body, body.getBytes(StandardCharsets.UTF_8));
        return producer.send(message, queue(topic, second ? 1 : 0));
    }

    @AfterEach
    void removeFiles() throws IOException {
        try (Stream<Path> paths = Files.walk(directory)) {
            paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        }
    }

    @TestFactory
    @Feature(area = "mqadmin")
    List<DynamicTest> commands() {
        List<DynamicTest> all = Stream.of(topics(), groups(), offsets(), messages(), clients(), brokers(), nameServers(),
            exports(), staticTopics(), users(), otherServers(), lite())
            .flatMap(List::stream).collect(Collectors.toCollection(ArrayList::new));
        Set<String> checked = all.stream().map(DynamicTest::getDisplayName).collect(Collectors.toCollection(TreeSet::new));
        all.add(command("(no command is left out)", () -> assertEquals(new TreeSet<>(allCommands()), checked)));
        return all;
    }

    private List<DynamicTest> topics() {
        String created = unique("T");
        String listed = unique("T");
        String order = unique("T");
        String doomed = topic();
        return List.of(
            prints("updateTopic -b " + broker.address + " -t " + created + " -r 3 -w 3",
                "create topic to " + broker.address + " success", "readQueueNums=3"),
            command("updateTopicList", () -> {
                Path file = write("topics.json", "[{\"topicName\":\"" + listed + "\",\"readQueueNums\":5,\"writeQueueNums\":5}]");
                assertPrints(run("updateTopicList -b " + broker.address + " -f " + file),
                    "submit batch of topic config to " + broker.address + " success");
                assertEquals(5, admin.examineTopicConfig(broker.address, listed).getReadQueueNums());
            }),
            command("updateTopicPerm", () -> {
                String target = topic();
                assertPrints(run("updateTopicPerm -b " + broker.address + " -t " + target + " -p 4"),
                    "update topic perm from 6 to 4 in " + broker.address + " success");
                assertEquals(4, admin.examineTopicConfig(broker.address, target).getPerm());
            }),
            command("deleteTopic", () -> {
                assertPrints(run("deleteTopic -c " + cluster.name + " -t " + doomed),
                    "delete topic [" + doomed + "] from cluster [" + cluster.name + "] success",
                    "delete topic [" + doomed + "] from NameServer success");
                assertThrows(MQBrokerException.class, () -> admin.examineTopicConfig(broker.address, doomed));
            }),
            prints("topicRoute -t " + topic, broker.address, "\"readQueueNums\":2", "\"brokerName\":\"" + broker.name + "\""),
            prints("topicStatus -t " + topic, broker.name + " 0 0 7 ", broker.name + " 1 0 3 "),
            prints("topicClusterList -t " + topic, cluster.name),
            prints("topicList -c", cluster.name + " " + topic + " " + group, cluster.name + " " + topic + " " + absentGroup),
            prints("allocateMQ -t " + topic + " -i ip1,ip2", "\"ip1\":[{\"brokerName\":\"" + broker.name, "\"ip2\":[{"),
            prints("statsAll -t " + topic, topic + " " + group + " 0 ", topic + " " + absentGroup + " 2 "),
            command("updateOrderConf", () -> {
                assertPrints(run("updateOrderConf -m put -t " + order + " -v " + broker.name + ":4"),
                    "update orderConf success. topic=[" + order + "], orderConf=[" + broker.name + ":4]");
                assertPrints(run("updateOrderConf -m get -t " + order), "orderConf=[" + broker.name + ":4]");
                assertPrints(run("updateOrderConf -m delete -t " + order), "delete orderConf success");
            }));
    }

    /** Static topics break getAllTopicConfig of the client as long as they exist. */
    private List<DynamicTest> staticTopics() {
        String created = unique("T");
        String remapped = unique("T");
        return List.of(
            command("updateStaticTopic", () -> {
                assertPrints(run("updateStaticTopic -b " + broker.name + " -t " + created + " -qn 3"), "The new mapping data is written");
                await("a static topic of 3 queues", () -> logicQueues(created) == 3);
                admin.deleteTopic(created, cluster.name);
            }),
            command("remappingStaticTopic", () -> {
                run("updateStaticTopic -b " + broker.name + " -t " + remapped + " -qn 3");
                await("a static topic of 3 queues", () -> logicQueues(remapped) == 3);
                assertPrints(run("remappingStaticTopic -b " + broker.name + " -t " + remapped), "mapping data is written to file");
                admin.deleteTopic(remapped, cluster.name);
            }));
    }

    private static int logicQueues(String ofTopic) throws Exception {
        return admin.examineTopicRouteInfo(ofTopic).getTopicQueueMappingByBroker().get(broker.name).getTotalQueues();
    }

    private List<DynamicTest> groups() {
        String created = unique("G");
        String listed = unique("G");
        return List.of(
            prints("updateSubGroup -b " + broker.address + " -g " + created + " -r 7",
                "create subscription group to " + broker.address + " success", "retryMaxTimes=7"),
            command("updateSubGroupList", () -> {
                Path file = write("groups.json", "[{\"groupName\":\"" + listed + "\",\"retryMaxTimes\":5}]");
                assertPrints(run("updateSubGroupList -b " + broker.address + " -f " + file),
                    "submit batch of group config to " + broker.address + " success");
                assertEquals(5, admin.examineSubscriptionGroupConfig(broker.address, listed).getRetryMaxTimes());
            }),
            command("getConsumerConfig", () -> {
                String configured = group(config -> config.setRetryMaxTimes(9));
                assertPrints(run("getConsumerConfig -g " + configured), cluster.name + ":" + broker.name, "retryMaxTimes = 9");
            }),
            command("deleteSubGroup", () -> {
                String doomed = group(config -> { });
                assertPrints(run("deleteSubGroup -b " + broker.address + " -g " + doomed + " -r true"),
                    "delete subscription group [" + doomed + "] from broker [" + broker.address + "] success");
                assertFalse(admin.getAllSubscriptionGroup(broker.address, 10_000).getSubscriptionGroupTable().containsKey(doomed));
            }),
            prints("setConsumeMode -b " + broker.address + " -t " + topic + " -g " + created + " -m POP -q 0",
                "set consume mode to " + broker.address + " success", "consume mode[POP]"),
            prints("consumerProgress -g " + absentGroup, topic + " " + broker.name + " 0 7 5 2 0 ",
                topic + " " + broker.name + " 1 3 3 0 0 ", "Consume Diff Total: 2"),
            prints("brokerConsumeStats -b " + broker.address, topic + " " + absentGroup + " " + broker.name + " 0 7 5 2 ", "Diff Total:"),
            command("startMonitoring", () -> {
                // Reports every minute, the first time after 20 s, into the log: here, that it connects.
                run("startMonitoring");
                await("the monitor's consumer", () ->
                    admin.examineConsumerConnectionInfo("__MONITOR_CONSUMER").getConnectionSet().size() > 0);
            }));
    }

    private List<DynamicTest> offsets() {
        return List.of(
            command("resetOffsetByTime", () -> {
                String target = groupAt(4);
                assertPrints(run("resetOffsetByTime -t " + topic + " -g " + target + " -s 0"), broker.name + " 0 0", broker.name + " 1 0");
                assertEquals(0, offset(target));
                // with timestamp, as one queue of one broker
                assertPrints(run("resetOffsetByTime -t " + topic + " -g " + target + " -s 0 -b " + broker.address + " -q 0 -o 3"),
                    "reset consumer offset to 3");
                assertEquals(3, offset(target));
            }),
            command("skipAccumulatedMessage", () -> {
                String target = groupAt(1);
                assertPrints(run("skipAccumulatedMessage -t " + topic + " -g " + target), broker.name + " 0 7", broker.name + " 1 3");
                assertEquals(7, offset(target));
            }),
            command("cloneGroupOffset", () -> {
                String target = group(config -> { });
                assertPrints(run("cloneGroupOffset -s " + absentGroup + " -d " + target + " -t " + topic),
                    "clone group offset success. srcGroup[" + absentGroup + "], destGroup=[" + target + "], topic[" + topic + "]");
                assertEquals(5, offset(target));
            }));
    }

    private List<DynamicTest> messages() {
        String id = sent.get(0).getOffsetMsgId();
        String uniqueId = sent.get(0).getMsgId();
        return List.of(
            prints("queryMsgById -f UTF-8 -t " + topic + " -i " + id, "Message Body: a0", "Topic: " + topic, "Tags: [TagA]", "Keys: [a0]",
                "Queue ID: 0", "consumerGroup=" + group),
            prints("queryMsgByKey -t " + topic + " -k b1", sent.get(6).getMsgId() + " 1 1 "),
            prints("queryMsgByUniqueKey -t " + topic + " -i " + uniqueId, "Topic: " + topic, "Keys: [a0]", "consumerGroup=" + group),
            prints("queryMsgByOffset -f UTF-8 -t " + topic + " -b " + broker.name + " -i 1 -o 2", "Message Body: b2"),
            command("queryMsgTraceById", () -> {
                DefaultMQProducer traced = configured(new DefaultMQProducer(unique("P"), true, null));
                traced.start();
                closeLater(traced::shutdown);
                String traceId = send(traced, topic(), "TagA", "traced").getMsgId();
                await("the trace of a send", () -> run("queryMsgTraceById -i " + traceId), printed ->
                    printed.contains("Pub") && printed.contains(traced.getProducerGroup()) && printed.contains("success"));
            }),
            prints("printMsg -t " + topic + " -d true", "minOffset=0, maxOffset=", "BODY: a0", "BODY: b2"),
            prints("printMsgByQueue -t " + topic + " -a " + broker.name + " -i 1 -p true -d true -f true", "BODY: b0", "BODY: b2",
                "Tag: TagB Count: 3"),
            prints("consumeMessage -t " + topic + " -b " + broker.name + " -i 1 -o 0 -c 2", "BODY: b0", "BODY: b1"),
            prints("queryCq -t " + topic + " -q 1 -i 1 -c 2 -b " + broker.address + " -g " + group, "max: 3, min: 0", "idx: 1", "idx: 2",
                "\"subString\":\"*\""),
            command("sendMessage", () -> {
                String target = topic(1);
                assertPrints(run("sendMessage -t " + target + " -p hello -k key1 -c TagC"), broker.name + " 0 SEND_OK");
                Message received = consume(group(), target, "TagC").await(1).get(0);
                assertEquals("hello key1", new String(received.getBody(), StandardCharsets.UTF_8) + " " + received.getKeys());
            }),
            prints("checkMsgSendRT -t " + topic() + " -a 3 -s 16", broker.name + " 0 true ", broker.name + " 1 true ", "Avg RT: "),
            command("dumpCompactionLog", () -> { // reads a local file: asks no server anything
                Path empty = write("0", "");
                assertPrints(run("dumpCompactionLog -f " + empty), "");
            }));
    }

    private List<DynamicTest> clients() {
        return List.of(
            prints("consumerConnection -g " + group, clientId + " 127.0.0.1:", "JAVA V5_5_0", topic + " *",
                "ConsumeType: CONSUME_PASSIVELY", "MessageModel: CLUSTERING", "ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET"),
            prints("producerConnection -g " + producerGroup + " -t " + topic, "127.0.0.1:", "JAVA V5_5_0"),
            prints("producer -b " + broker.address, "producer group (" + producerGroup + ") instance : clientId="),
            prints("consumerStatus -g " + group + " -i " + clientId, "#Consumer Properties#", "PROP_NAMESERVER_ADDR", topic,
                "#Consumer RT&TPS#"));
    }

    private List<DynamicTest> brokers() {
        String idle = topic();
        return List.of(
            prints("clusterList", cluster.name + " " + broker.name + " 0 " + broker.address + " V5_5_0"),
            prints("brokerStatus -b " + broker.address, "brokerVersionDesc : V5_5_0", "putTps : ", "msgPutTotalTodayNow : ",
                "commitLogMaxOffset : ", "runtime : [ 0 days"),
            prints("getBrokerConfig -b " + broker.address, "brokerName = " + broker.name, "storePathRootDir = " + broker.storeDir,
                "flushDiskType = "),
            command("updateBrokerConfig", () -> {
                String before = admin.getBrokerConfig(broker.address).getProperty("maxTransferCountOnMessageInMemory", "32");
                assertPrints(run("updateBrokerConfig -b " + broker.address + " -k maxTransferCountOnMessageInMemory -v 33"),
                    "update broker config success, " + broker.address);
                assertEquals("33", admin.getBrokerConfig(broker.address).getProperty("maxTransferCountOnMessageInMemory"));
                run("updateBrokerConfig -b " + broker.address + " -k maxTransferCountOnMessageInMemory -v " + before);
            }),
            prints("sendMsgStatus -b " + broker.name + " -c 2 -s 16", "SendResult [sendStatus=SEND_OK", "topic=" + broker.name),
            prints("cleanExpiredCQ -b " + broker.address, "success"),
            prints("deleteExpiredCommitLog -b " + broker.address, "success"),
            prints("cleanUnusedTopic -b " + broker.address, "success"),
            prints("haStatus -b " + broker.address, "#MasterAddr " + broker.address, "#SlaveNum 0", "#InSyncSlaveNum 0"),
            prints("resetMasterFlushOffset -b " + broker.address + " -o 0", "reset master flush offset to 0 success"),
            command("clusterRT", () -> assertPrints(oneRoundOfClusterRT(), "#successCount", cluster.name + " " + broker.name, " 2 0")),
            command("wipeWritePerm", () -> {
                try {
                    assertPrints(run("wipeWritePerm -b " + broker.name),
                        "wipe write perm of broker[" + broker.name + "] in name server[", "] OK, ");
                    assertEquals(4, admin.examineTopicRouteInfo(idle).getQueueDatas().get(0).getPerm());
                } finally {
                    run("addWritePerm -b " + broker.name);
                }
            }),
            prints("addWritePerm -b " + broker.name, "add write perm of broker[" + broker.name + "] in name server[", "] OK, "));
    }

    private List<DynamicTest> nameServers() {
        String key = unique("key");
        return List.of(
            command("updateKvConfig", () -> {
                assertPrints(run("updateKvConfig -s suite -k " + key + " -v value1"), "create or update kv config to namespace success.");
                assertEquals("value1", admin.getKVConfig("suite", key));
            }),
            command("deleteKvConfig", () -> {
                admin.createAndUpdateKvConfig("suite", key, "value2");
                assertPrints(run("deleteKvConfig -s suite -k " + key), "delete kv config from namespace success.");
                assertFalse(admin.getKVListByNamespace("suite").getTable().containsKey(key));
            }),
            prints("getNamesrvConfig", "============" + cluster.namesrvs.get(0) + "============", "listenPort = "),
            command("updateNamesrvConfig", () -> {
                assertPrints(run("updateNamesrvConfig -k orderMessageEnable -v true"), "update name server config success!",
                    "orderMessageEnable : true");
                run("updateNamesrvConfig -k orderMessageEnable -v false");
            }));
    }

    private List<DynamicTest> exports() {
        return List.of(
            command("exportMetadata", () -> {
                assertPrints(run("exportMetadata -c " + cluster.name + " -f " + directory),
                    "export " + directory + "/metadata.json success");
                assertPrints(read("metadata.json"), topic, group, "topicConfigTable", "subscriptionGroupTable");
            }),
            command("exportConfigs", () -> {
                assertPrints(run("exportConfigs -c " + cluster.name + " -f " + directory), "export " + directory + "/configs.json success");
                assertPrints(read("configs.json"), broker.name, "flushDiskType");
            }),
            command("exportMetrics", () -> {
                assertPrints(run("exportMetrics -c " + cluster.name + " -f " + directory), "export " + directory + "/metrics.json success");
                assertPrints(read("metrics.json"), broker.name, "totalTps", "V5_5_0");
            }));
    }

    /** Users and access control lists: brokers without an authentication provider have none and refuse. */
    private List<DynamicTest> users() {
        String at = " -b " + broker.address;
        String copy = " -f " + broker.address + " -t " + broker.address;
        return List.of(
            isRefused("createUser -u alice -p secret -t Normal" + at),
            isRefused("updateUser -u alice -s disable" + at),
            isRefused("getUser -u alice" + at),
            isRefused("listUser" + at),
            isRefused("copyUser -u alice" + copy),
            isRefused("deleteUser -u alice" + at),
            isRefused("createAcl -s User:alice -r Topic:* -a Pub -d Allow" + at),
            isRefused("updateAcl -s User:alice -r Topic:* -a Sub -d Allow" + at),
            isRefused("getAcl -s User:alice" + at),
            isRefused("listAcl" + at),
            isRefused("copyAcl -s User:alice" + copy),
            isRefused("deleteAcl -s User:alice" + at));
    }

    private List<DynamicTest> otherServers() {
        String at = " -b " + broker.address;
        String askedInstead = broker.address;
        return List.of(
            // The controller is a server of its own; here the broker is asked.
            isNotSupported("getControllerMetaData -a " + askedInstead),
            isNotSupported("getControllerConfig -a " + askedInstead),
            isNotSupported("updateControllerConfig -a " + askedInstead + " -k key -v value"),
            isNotSupported("electMaster -a " + askedInstead + " -b 0 -bn " + broker.name + " -c " + cluster.name),
            isNotSupported("cleanBrokerMetadata -a " + askedInstead + " -bn " + broker.name + " -c " + cluster.name),
            isNotSupported("getSyncStateSet -a " + askedInstead + " -b " + broker.name),
            isRefused("getBrokerEpoch -b " + broker.name),
            // So is the container of several brokers in one process.
            isNotSupported("addBroker -c " + askedInstead + " -b /nowhere/broker.conf"),
            isNotSupported("removeBroker -c " + askedInstead + " -b " + cluster.name + ":" + broker.name + ":1"),
            // Limits for groups that read old messages, and read-ahead of memory-mapped files.
            printsOrIsNotSupported("updateColdDataFlowCtrGroupConfig -g " + group + " -v 1024" + at,
                "updateColdDataFlowCtrGroupConfig success"),
            printsOrIsNotSupported("getColdDataFlowCtrInfo" + at, "runtimeTable"),
            printsOrIsNotSupported("removeColdDataFlowCtrGroupConfig -g " + group + at, "remove broker cold read threshold success"),
            printsOrIsNotSupported("setCommitLogReadAheadMode -m 0" + at, "set readAhead mode"),
            // Queues, settings and timers kept in RocksDB.
            printsOrIsNotSupported("checkRocksdbCqWriteProgress -c " + cluster.name, "check"),
            printsOrIsNotSupported("rocksDBConfigToJson -c " + cluster.name, "rpc mode"),
            prints("exportMetadataInRocksDB -p " + directory + " -t topics", "RocksDB load error"),
            printsOrIsNotSupported("exportPopRecord" + at, "Export broker records"),
            printsOrIsNotSupported("switchTimerEngine -e F" + at, "switchTimerEngine to"));
    }

    /** Lite topics: many short-lived ones below a parent topic. */
    private List<DynamicTest> lite() {
        String parent = topic();
        return List.of(
            printsOrIsNotSupported("getBrokerLiteInfo -b " + broker.address, broker.address),
            printsOrIsNotSupported("getParentTopicInfo -p " + parent, "Parent Topic Info: [" + parent + "]"),
            printsOrIsNotSupported("getLiteTopicInfo -p " + parent + " -l lite1", "Lite Topic Info"),
            printsOrIsNotSupported("getLiteClientInfo -p " + parent + " -g " + group + " -c " + clientId, "Lite Client Info"),
            printsOrIsNotSupported("getLiteGroupInfo -p " + parent + " -g " + group, "Lite Group Info"),
            printsOrIsNotSupported("triggerLiteDispatch -p " + parent + " -g " + group, "Group And Topic Info"));
    }

    /** The command sends to every broker and sleeps, again and again: one round of it. */
    private static String oneRoundOfClusterRT() throws Exception {
        String[] printed = new String[1];
        Thread endless = new Thread(() -> printed[0] = run("clusterRT -a 2 -s 16 -i 3600"));
        endless.start();
        await("the first round", () -> Stream.of(endless.getStackTrace()).limit(4).map(StackTraceElement::getClassName)
            .anyMatch(name -> name.endsWith("CLusterSendMsgRTCommand")) && endless.getState() == Thread.State.TIMED_WAITING);
        endless.interrupt();
        endless.join(10_000);
        return printed[0];
    }

    /** A group that has consumed this many messages of queue 0 and none of queue 1. */
    private String groupAt(long consumed) throws Exception {
        String created = group(config -> { });
        admin.updateConsumeOffset(broker.address, created, queue(topic, 0), consumed);
        admin.updateConsumeOffset(broker.address, created, queue(topic, 1), 0);
        return created;
    }

    private long offset(String ofGroup) throws Exception {
        return admin.examineConsumeStats(broker.address, ofGroup, topic, 10_000).getOffsetTable().get(queue(topic, 0)).getConsumerOffset();
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }

    private String read(String name) throws IOException {
        return Files.readString(directory.resolve(name));
    }
}
