package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.header.SendMessageRequestHeader;
import org.junit.jupiter.api.Test;

class RequestReplyTest extends SuiteTest {

    private static final String AREA = "Request and reply";
    private static final long PATIENCE_MS = 20_000;

    /** A started consumer that answers every request with "re: " and its body. */
    private void answer(String topic) {
        DefaultMQProducer replies = producer();
        DefaultMQPushConsumer consumer = configured(new DefaultMQPushConsumer(group()));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(message -> run(() -> replies.send(
                MessageUtil.createReplyMessage(message, bytes("re: " + new String(message.getBody()))), PATIENCE_MS)));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        run(() -> consumer.subscribe(topic, "*"));
        run(consumer::start);
        shutdownLater(consumer::shutdown);
    }

    private static String body(Message message) {
        return new String(message.getBody());
    }

    @Test
    @Feature(area = AREA, name = "synchronous request")
    void aRequestIsAnswered() throws Exception {
        String topic = topic();
        answer(topic);
        DefaultMQProducer producer = producer();
        for (int i = 0; i < 5; i++) {
            assertEquals("re: question " + i, body(producer.request(new Message(topic, bytes("question " + i)), PATIENCE_MS)));
        }
        Message chosen = producer.request(new Message(topic, bytes("by selector")), (queues, message, key) -> queues.get(0), null, PATIENCE_MS);
        assertEquals("re: by selector", body(chosen));
        assertEquals("re: by queue", body(producer.request(new Message(topic, bytes("by queue")), queue(topic, 1), PATIENCE_MS)));
    }

    @Test
    @Feature(area = AREA, name = "asynchronous requests, many at once, from several producers")
    void manyRequestsAreAnsweredEachToItsAsker() throws Exception {
        String topic = topic();
        answer(topic);
        List<CompletableFuture<String>> answers = new ArrayList<>();
        for (DefaultMQProducer producer : List.of(producer(), producer())) {
            for (int i = 0; i < 30; i++) {
                CompletableFuture<String> answer = new CompletableFuture<>();
                producer.request(new Message(topic, bytes(producer.getProducerGroup() + i)), new RequestCallback() {
                    @Override
                    public void onSuccess(Message message) {
                        answer.complete(body(message));
                    }

                    @Override
                    public void onException(Throwable error) {
                        answer.completeExceptionally(error);
                    }
                }, PATIENCE_MS);
                String expected = "re: " + producer.getProducerGroup() + i;
                answers.add(answer.thenApply(got -> got.equals(expected) ? "ok" : got + " instead of " + expected));
            }
        }
        for (CompletableFuture<String> answer : answers) {
            assertEquals("ok", answer.get(30, TimeUnit.SECONDS));
        }
    }

    @Test
    @Feature(area = AREA, name = "a request that nobody answers times out")
    void aRequestWithoutAnswerTimesOut() {
        String topic = topic();
        DefaultMQProducer producer = producer();
        assertThrows(RequestTimeoutException.class, () -> producer.request(new Message(topic, bytes("anybody?")), 500));
    }

    @Test
    @Feature(area = AREA, name = "replies are kept in the reply topic of the cluster")
    void repliesAreKept() throws Exception {
        String topic = topic();
        String replyTopic = cluster.name + "_REPLY_TOPIC";
        long before = admin.maxOffset(queue(replyTopic, 0));
        answer(topic);
        producer().request(new Message(topic, bytes("question")), PATIENCE_MS);
        await("the reply is in the reply topic", () -> admin.maxOffset(queue(replyTopic, 0)) > before);
    }

    @Test
    @Feature(area = AREA, name = "a reply without a receiver, or to one who is gone, is refused with SYSTEM_ERROR")
    void aReplyWithoutReceiverIsRefused() {
        RemotingCommand unaddressed = reply("");
        assertEquals(ResponseCode.SYSTEM_ERROR, unaddressed.getCode());
        assertTrue(unaddressed.getRemark().contains("REPLY_TO_CLIENT"), unaddressed.getRemark());
        String nobody = unique("nobody");
        RemotingCommand gone = reply("REPLY_TO_CLIENT" + MessageDecoder.NAME_VALUE_SEPARATOR + nobody);
        assertEquals(ResponseCode.SYSTEM_ERROR, gone.getCode());
        assertTrue(gone.getRemark().contains("channel of <" + nobody + "> not found"), gone.getRemark());
    }

    private static RemotingCommand reply(String properties) {
        SendMessageRequestHeader header = new SendMessageRequestHeader();
        header.setProducerGroup("replies");
        header.setTopic(cluster.name + "_REPLY_TOPIC");
        header.setDefaultTopic("TBW102");
        header.setDefaultTopicQueueNums(1);
        header.setQueueId(0);
        header.setSysFlag(0);
        header.setBornTimestamp(System.currentTimeMillis());
        header.setFlag(0);
        header.setProperties(properties);
        return request(RequestCode.SEND_REPLY_MESSAGE, header, bytes("reply"));
    }
}
