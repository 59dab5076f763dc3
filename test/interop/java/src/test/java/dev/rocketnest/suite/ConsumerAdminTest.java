package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.constant.PermName;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.ForbiddenType;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.body.CMResult;
import org.apache.rocketmq.remoting.protocol.body.ConsumeMessageDirectlyResult;
import org.apache.rocketmq.remoting.protocol.body.ConsumerRunningInfo;
import org.apache.rocketmq.remoting.protocol.body.SubscriptionGroupWrapper;
import org.apache.rocketmq.remoting.protocol.header.GetAllSubscriptionGroupRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.PullMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;
import org.apache.rocketmq.remoting.protocol.subscription.CustomizedRetryPolicy;
import org.apache.rocketmq.remoting.protocol.subscription.GroupRetryPolicy;
import org.apache.rocketmq.remoting.protocol.subscription.GroupRetryPolicyType;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.junit.jupiter.api.Test;

/** Consumer groups: their settings, what they may do, who they are and what they are asked. */
class ConsumerAdminTest extends SuiteTest {

    private static final String CONSUMERS = "Consumers";
    private static final String GROUPS = "Consumer groups";

    // Asking consumers

    @Test
    @Feature(area = CONSUMERS, name = "running info of a consumer")
    void aConsumerTellsItsInnerState() throws Exception {
        String topic = topic(2);
        Inbox inbox = consume(group(), topic, "TagA");
        send(producer(), topic, "TagA", "hello");
        inbox.await(1);
        String group = inbox.consumer.getConsumerGroup();
        String clientId = inbox.consumer.buildMQClientId();
        ConsumerRunningInfo info = await("both queues", () -> admin.getConsumerRunningInfo(group, clientId, false),
            read -> read.getMqTable().keySet().containsAll(Set.of(queue(topic, 0), queue(topic, 1))));
        assertEquals("CONSUME_PASSIVELY", info.getProperties().getProperty(ConsumerRunningInfo.PROP_CONSUME_TYPE));
        assertTrue(info.getSubscriptionSet().stream()
            .anyMatch(subscription -> subscription.getTopic().equals(topic) && subscription.getSubString().equals("TagA")));
        assertTrue(admin.getConsumerRunningInfo(group, clientId, true).getJstack().contains("ConsumeMessageThread"));
    }

    @Test
    @Feature(area = CONSUMERS, name = "running info of a consumer that is not there is refused")
    void anAbsentConsumerIsNotAsked() {
        String group = consume(group(), topic(), "*").consumer.getConsumerGroup();
        MQClientException error = await("the group", () -> assertThrows(MQClientException.class,
            () -> admin.getConsumerRunningInfo(group, "nobody", false)), thrown -> thrown.getResponseCode() == ResponseCode.SYSTEM_ERROR);
        assertTrue(error.getErrorMessage().contains("The Consumer <" + group + "> <nobody> not online"), error.getErrorMessage());
    }

    @Test
    @Feature(area = CONSUMERS, name = "a message consumed directly by one consumer")
    void aConsumerHandlesAStoredMessageAgain() throws Exception {
        String topic = topic(1);
        SendResult sent = send(producer(), topic, "Other", "special");
        List<String> seen = new ArrayList<>();
        Inbox inbox = consume(group(), consumer -> {
            run(() -> consumer.subscribe(topic, "TagA"));
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                seen.add(text(messages.get(0)));
                if (seen.size() == 2) {
                    throw new IllegalStateException("not again");
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        });
        String group = inbox.consumer.getConsumerGroup();
        String clientId = inbox.consumer.buildMQClientId();
        ConsumeMessageDirectlyResult result = await("the consumer", () ->
            admin.consumeMessageDirectly(group, clientId, topic, sent.getOffsetMsgId()), answer -> true);
        assertEquals(CMResult.CR_SUCCESS, result.getConsumeResult());
        ConsumeMessageDirectlyResult failed = admin.consumeMessageDirectly(group, clientId, topic, sent.getOffsetMsgId());
        assertEquals(CMResult.CR_THROW_EXCEPTION, failed.getConsumeResult());
        assertTrue(failed.getRemark().contains("not again"), failed.getRemark());
        assertEquals(List.of("special", "special"), seen);
    }

    // Who is there

    @Test
    @Feature(area = CONSUMERS, name = "who consumes a topic, which topics a group consumes, what it subscribes")
    void groupsAndTopicsAreFoundFromEachOther() throws Exception {
        String topic = topic(1);
        send(producer(), topic, "TagA", "hello");
        Inbox inbox = consume(group(), topic, "TagA || TagB");
        inbox.await(1);
        String group = inbox.consumer.getConsumerGroup();
        assertEquals(Set.of(group), admin.queryTopicConsumeByWho(topic).getGroupList());
        await("committed offsets", () -> admin.queryTopicsByConsumer(group).getTopicList().contains(topic));
        assertEquals(Set.of("TagA", "TagB"), admin.querySubscription(group, topic).getTagsSet());
        inbox.consumer.shutdown();
        await("only its offsets", () -> admin.queryTopicConsumeByWho(topic).getGroupList().equals(Set.of(group)));
    }

    @Test
    @Feature(area = CONSUMERS, name = "connections of a group, of producers")
    void connectionsAreListed() throws Exception {
        String topic = topic(1);
        Inbox inbox = consume(group(), topic, "*");
        String group = inbox.consumer.getConsumerGroup();
        var connection = await("the consumer", () -> admin.examineConsumerConnectionInfo(group),
            info -> info.getConnectionSet().size() == 1);
        assertEquals(inbox.consumer.buildMQClientId(), connection.getConnectionSet().iterator().next().getClientId());
        assertEquals(MessageModel.CLUSTERING, connection.getMessageModel());
        assertTrue(connection.getSubscriptionTable().keySet().containsAll(Set.of(topic, "%RETRY%" + group)));
        MQBrokerException absent = assertThrows(MQBrokerException.class,
            () -> admin.examineConsumerConnectionInfo(unique("nobody"), broker.address));
        assertEquals(ResponseCode.CONSUMER_NOT_ONLINE, absent.getResponseCode());

        var producer = producer();
        send(producer, topic, "TagA", "hello");
        await("the producer", () -> admin.getAllProducerInfo(broker.address).getData().containsKey(producer.getProducerGroup()));
        assertEquals(1, admin.examineProducerConnectionInfo(producer.getProducerGroup(), topic).getConnectionSet().size());
    }

    @Test
    @Feature(area = CONSUMERS, name = "lag of a group, of all groups of a broker")
    void theLagOfGroupsIsCounted() throws Exception {
        String topic = topic(1);
        var producer = producer();
        send(producer, topic, "TagA", "seen");
        Inbox inbox = consume(group(), topic, "*");
        inbox.await(1);
        inbox.consumer.shutdown();
        String group = inbox.consumer.getConsumerGroup();
        for (int i = 0; i < 3; i++) {
            send(producer, topic, "TagA", "missed");
        }
        ConsumeStats stats = await("a lag of 3", () -> admin.examineConsumeStats(group), read -> lag(read, topic) == 3);
        assertTrue(stats.getOffsetTable().get(queue(topic, 0)).getLastTimestamp() > 0);
        long inBroker = admin.fetchConsumeStatsInBroker(broker.address, false, 10_000).getConsumeStatsList().stream()
            .filter(groups -> groups.containsKey(group)).flatMap(groups -> groups.get(group).stream())
            .mapToLong(read -> lag(read, topic)).sum();
        assertEquals(3, inBroker);
    }

    // Settings of groups

    @Test
    @Feature(area = GROUPS, name = "settings, attributes and retry policies are kept over a restart")
    void settingsSurviveARestart() throws Exception {
        GroupRetryPolicy policy = new GroupRetryPolicy();
        policy.setType(GroupRetryPolicyType.CUSTOMIZED);
        policy.setCustomizedRetryPolicy(new CustomizedRetryPolicy(new long[] {1_000, 2_000}));
        String group = group(config -> {
            config.setRetryMaxTimes(7);
            config.setRetryQueueNums(3);
            config.setBrokerId(2);
            config.setWhichBrokerWhenConsumeSlowly(4);
            config.setConsumeTimeoutMinute(30);
            config.setGroupRetryPolicy(policy);
            config.setAttributes(Map.of("+priority.factor", "50"));
        });
        SubscriptionGroupConfig before = admin.examineSubscriptionGroupConfig(broker.address, group);
        assertEquals(List.of(7, 3, 30), List.of(before.getRetryMaxTimes(), before.getRetryQueueNums(), before.getConsumeTimeoutMinute()));
        assertEquals(List.of(2L, 4L), List.of(before.getBrokerId(), before.getWhichBrokerWhenConsumeSlowly()));
        assertEquals(Map.of("priority.factor", "50"), before.getAttributes());
        assertEquals(2_000, before.getGroupRetryPolicy().getRetryPolicy().nextDelayDuration(1));
        broker.restart();
        assertEquals(before, admin.examineSubscriptionGroupConfig(broker.address, group));
    }

    @Test
    @Feature(area = GROUPS, name = "wrong names and attributes are refused")
    void wrongSettingsAreRefused() {
        MQClientException name = assertThrows(MQClientException.class, () -> update("no spaces", config -> { }));
        assertEquals(ResponseCode.INVALID_PARAMETER, name.getResponseCode());
        assertThrows(MQClientException.class, () -> update(group(), config -> config.setAttributes(Map.of("+unknown", "1"))));
        assertThrows(MQClientException.class, () -> update(group(), config -> config.setAttributes(Map.of("+priority.factor", "101"))));
    }

    @Test
    @Feature(area = GROUPS, name = "created in lists, listed in pages")
    void groupsAreCreatedInListsAndListedInPages() throws Exception {
        List<SubscriptionGroupConfig> configs = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            SubscriptionGroupConfig config = new SubscriptionGroupConfig();
            config.setGroupName(group());
            configs.add(config);
        }
        admin.createAndUpdateSubscriptionGroupConfigList(broker.address, configs);
        Set<String> all = admin.getAllSubscriptionGroup(broker.address, 10_000).getSubscriptionGroupTable().keySet();
        Set<String> created = configs.stream().map(SubscriptionGroupConfig::getGroupName).collect(Collectors.toSet());
        assertTrue(all.containsAll(created));

        GetAllSubscriptionGroupRequestHeader header = new GetAllSubscriptionGroupRequestHeader();
        header.setGroupSeq(0);
        header.setMaxGroupNum(2);
        RemotingCommand response = request(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, header, null);
        assertEquals(all.size(), Integer.parseInt(response.getExtFields().get("totalGroupNum")));
        SubscriptionGroupWrapper first = SubscriptionGroupWrapper.decode(response.getBody(), SubscriptionGroupWrapper.class);
        assertEquals(all.stream().sorted().limit(2).collect(Collectors.toSet()), first.getSubscriptionGroupTable().keySet());
        header.setGroupSeq(2);
        header.setMaxGroupNum(1_000);
        header.setDataVersion(first.getDataVersion().toJson());
        RemotingCommand rest = request(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, header, null);
        assertEquals(all.size() - 2,
            SubscriptionGroupWrapper.decode(rest.getBody(), SubscriptionGroupWrapper.class).getSubscriptionGroupTable().size());
    }

    @Test
    @Feature(area = GROUPS, name = "deleted, on demand with their offsets")
    void aDeletedGroupIsForgotten() throws Exception {
        String topic = topic(1);
        send(producer(), topic, "TagA", "hello");
        String group = group(config -> { });
        admin.updateConsumeOffset(broker.address, group, queue(topic, 0), 1);
        admin.deleteSubscriptionGroup(broker.address, group, false);
        assertEquals(Set.of(group), admin.queryTopicConsumeByWho(topic).getGroupList());
        admin.deleteSubscriptionGroup(broker.address, group, true);
        assertEquals(Set.of(), admin.queryTopicConsumeByWho(topic).getGroupList());
        assertFalse(admin.getAllSubscriptionGroup(broker.address, 10_000).getSubscriptionGroupTable().containsKey(group));
    }

    @Test
    @Feature(area = GROUPS, name = "may be stopped (consumeEnable)")
    void aGroupThatMayNotConsumeGetsNothing() throws Exception {
        String topic = topic(1);
        send(producer(), topic, "TagA", "hello");
        String group = group(config -> config.setConsumeEnable(false));
        MQBrokerException refused = assertThrows(MQBrokerException.class, () -> pull(group, topic));
        assertEquals(ResponseCode.NO_PERMISSION, refused.getResponseCode());
        update(group, config -> config.setConsumeEnable(true));
        assertEquals(1, pull(group, topic).getMsgFoundList().size());
    }

    @Test
    @Feature(area = GROUPS, name = "may not read a topic (group forbidden)")
    void aGroupMayBeForbiddenToReadATopic() throws Exception {
        String topic = topic(1);
        String group = consume(group(), topic, "*").consumer.getConsumerGroup();
        await("the member", () -> pullAsMember(group, topic).getCode() == ResponseCode.PULL_NOT_FOUND);
        assertTrue(admin.updateAndGetGroupReadForbidden(broker.address, group, topic, null).getReadable());
        assertFalse(admin.updateAndGetGroupReadForbidden(broker.address, group, topic, false).getReadable());
        RemotingCommand refused = pullAsMember(group, topic);
        assertEquals(ResponseCode.NO_PERMISSION, refused.getCode());
        assertEquals(String.valueOf(ForbiddenType.SUBSCRIPTION_FORBIDDEN), refused.getExtFields().get("forbiddenType"));
        assertFalse(admin.updateAndGetGroupReadForbidden(broker.address, group, topic, null).getReadable());
        assertTrue(admin.updateAndGetGroupReadForbidden(broker.address, group, topic, true).getReadable());
        assertEquals(ResponseCode.PULL_NOT_FOUND, pullAsMember(group, topic).getCode());
    }

    @Test
    @Feature(area = GROUPS, name = "broadcasting to every member")
    void everyMemberOfABroadcastingGroupGetsEverything() throws Exception {
        String topic = topic(2);
        String group = group();
        Inbox one = broadcast(group, topic);
        Inbox two = broadcast(group, topic);
        await("both members", () -> admin.examineConsumerConnectionInfo(group).getConnectionSet().size() == 2);
        var producer = producer();
        for (String body : List.of("a", "b", "c")) {
            send(producer, topic, "TagA", body);
        }
        one.await(3);
        two.await(3);
        assertEquals(MessageModel.BROADCASTING, admin.examineConsumerConnectionInfo(group).getMessageModel());
    }

    @Test
    @Feature(area = GROUPS, name = "broadcasting may be forbidden (consumeBroadcastEnable)")
    void aGroupMayBeForbiddenToBroadcast() throws Exception {
        String topic = topic(1);
        String group = group(config -> config.setConsumeBroadcastEnable(false));
        broadcast(group, topic);
        await("the member", () -> admin.examineConsumerConnectionInfo(group).getConnectionSet().size() == 1);
        RemotingCommand refused = pullAsMember(group, topic);
        assertEquals(ResponseCode.NO_PERMISSION, refused.getCode());
        assertEquals(String.valueOf(ForbiddenType.BROADCASTING_DISABLE_FORBIDDEN), refused.getExtFields().get("forbiddenType"));
        update(group, config -> config.setConsumeBroadcastEnable(true));
        assertEquals(ResponseCode.PULL_NOT_FOUND, pullAsMember(group, topic).getCode());
    }

    // Retries

    @Test
    @Feature(area = GROUPS, name = "retries up to the group's limit, then the dead letter queue")
    void aMessageThatFailsTooOftenBecomesADeadLetter() throws Exception {
        String topic = topic(1);
        String group = group(config -> {
            config.setRetryMaxTimes(2);
            config.setRetryQueueNums(2);
        });
        AtomicInteger attempts = new AtomicInteger();
        consume(group, consumer -> {
            run(() -> consumer.subscribe(topic, "*"));
            consumer.setMaxReconsumeTimes(2);
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                attempts.addAndGet(messages.size());
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            });
        });
        await("the retry topic", () -> admin.examineTopicConfig(broker.address, "%RETRY%" + group).getReadQueueNums() == 2);
        SendResult sent = send(producer(), topic, "TagA", "poison");
        String deadLetters = "%DLQ%" + group;
        await("the dead letter", () -> admin.maxOffset(queue(deadLetters, 0)) == 1);
        assertEquals(3, attempts.get());
        assertEquals(PermName.PERM_READ | PermName.PERM_WRITE, admin.examineTopicConfig(broker.address, deadLetters).getPerm());
        MessageExt dead = pull(group(), deadLetters).getMsgFoundList().get(0);
        assertEquals("poison", text(dead));
        assertEquals(topic, dead.getProperty("RETRY_TOPIC"));
        assertEquals(sent.getOffsetMsgId(), dead.getProperty("ORIGIN_MESSAGE_ID"));
        assertEquals(3, dead.getReconsumeTimes());
    }

    // What the tests do

    private static String text(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    private static void update(String group, Consumer<SubscriptionGroupConfig> settings) throws MQClientException {
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName(group);
        settings.accept(config);
        try {
            admin.createAndUpdateSubscriptionGroupConfig(broker.address, config);
        } catch (MQClientException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private PullResult pull(String group, String topic) throws Exception {
        return pullConsumer(group).pull(queue(topic, 0), "*", 0, 10);
    }

    /** A pull from offset 0 that relies on the subscription of the connected members. */
    private static RemotingCommand pullAsMember(String group, String topic) {
        PullMessageRequestHeader header = new PullMessageRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(0);
        header.setQueueOffset(0L);
        header.setMaxMsgNums(1);
        header.setSysFlag(0);
        header.setCommitOffset(0L);
        header.setSuspendTimeoutMillis(0L);
        header.setSubVersion(0L);
        return request(RequestCode.PULL_MESSAGE, header, null);
    }

    private Inbox broadcast(String group, String topic) {
        return consume(group, consumer -> {
            consumer.setMessageModel(MessageModel.BROADCASTING);
            run(() -> consumer.subscribe(topic, "*"));
        });
    }

    /** Of one topic: a group's retry topic counts for itself. */
    private static long lag(ConsumeStats stats, String topic) {
        return stats.getOffsetTable().entrySet().stream().filter(entry -> entry.getKey().getTopic().equals(topic))
            .mapToLong(entry -> entry.getValue().getBrokerOffset() - entry.getValue().getConsumerOffset()).sum();
    }
}
