package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.SuiteTest;
import java.util.List;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.junit.jupiter.api.Test;

class SendTest extends SuiteTest {

    @Test
    @Feature(area = "Sending", name = "synchronous send")
    void aSynchronousSendIsConsumed() {
        String topic = topic();
        SendResult sent = send(producer(), topic, "TagA", "hello");
        assertEquals(SendStatus.SEND_OK, sent.getSendStatus());
        var received = consume(group(), topic, "*").await(1);
        assertEquals(List.of(sent.getMsgId()), List.of(received.get(0).getMsgId()));
    }
}
