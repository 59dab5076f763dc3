package dev.rocketnest.suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.rocketnest.suite.support.Feature;
import dev.rocketnest.suite.support.Inbox;
import dev.rocketnest.suite.support.SuiteTest;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;
import org.junit.jupiter.api.Test;

/** TLS beside plain text on the ports of name server and broker, with the certificates that they make themselves. */
class TlsTest extends SuiteTest {

    private static final byte HANDSHAKE = 0x16;

    @Test
    @Feature(area = "TLS", name = "clients with and without TLS at once")
    void clientsWithAndWithoutTlsShareTheServers() {
        String topic = topic();
        DefaultMQProducer plain = producer();
        DefaultMQProducer secure = producer(producer -> producer.setUseTLS(true));
        Inbox plainInbox = consume(group(), topic, "*");
        Inbox secureInbox = consume(group(), consumer -> {
            consumer.setUseTLS(true);
            run(() -> consumer.subscribe(topic, "*"));
        });
        send(secure, topic, null, "by tls");
        send(plain, topic, null, "in the clear");
        for (Inbox inbox : List.of(plainInbox, secureInbox)) {
            inbox.await(2);
            assertEquals(Set.of("by tls", "in the clear"), Set.copyOf(inbox.bodies()));
        }
    }

    @Test
    @Feature(area = "TLS", name = "large messages in order")
    void largeMessagesGoThroughTlsUnharmed() {
        String topic = topic(1);
        DefaultMQProducer secure = producer(producer -> {
            producer.setUseTLS(true);
            producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        });
        byte[] body = new byte[1_000_000];
        new SecureRandom().nextBytes(body);
        for (int number = 0; number < 3; number++) {
            body[0] = (byte) number;
            byte[] sent = body.clone();
            get(() -> secure.send(new Message(topic, sent)));
        }
        Inbox inbox = consume(group(), consumer -> {
            consumer.setUseTLS(true);
            run(() -> consumer.subscribe(topic, "*"));
        });
        inbox.await(3);
        assertEquals(List.of(0, 1, 2), inbox.messages().stream()
            .sorted((one, other) -> Long.compare(one.getQueueOffset(), other.getQueueOffset()))
            .map(message -> (int) message.getBody()[0]).collect(Collectors.toList()));
        assertTrue(inbox.messages().stream().allMatch(message ->
            Arrays.equals(body, 1, body.length, message.getBody(), 1, body.length)));
    }

    @Test
    @Feature(area = "TLS", name = "administration through TLS")
    void anAdminThroughTlsSeesTheCluster() {
        DefaultMQAdminExt secure = configured(new DefaultMQAdminExt());
        secure.setAdminExtGroup(unique("admin"));
        secure.setUseTLS(true);
        run(secure::start);
        closeLater(secure::shutdown);
        assertTrue(get(() -> secure.examineBrokerClusterInfo()).getBrokerAddrTable().containsKey(broker.name));
        assertEquals("true", get(() -> secure.fetchBrokerRuntimeStats(broker.address)).getTable().get("brokerActive"));
    }

    @Test
    @Feature(area = "TLS", name = "broken handshakes harm nobody")
    void brokenHandshakesHarmNobody() throws Exception {
        String topic = topic();
        byte[] garbage = new byte[500];
        new SecureRandom().nextBytes(garbage);
        garbage[0] = HANDSHAKE;
        List<byte[]> hellos = List.of(
            new byte[] {HANDSHAKE},
            new byte[] {HANDSHAKE, 3, 1, 2, 0, 1, 0, 1, (byte) 252},
            garbage);
        for (String address : List.of(broker.address, cluster.namesrvs.get(0))) {
            for (byte[] hello : hellos) {
                Socket socket = closeLater(connect(address));
                socket.getOutputStream().write(hello);
            }
            try (Socket gone = connect(address)) {
                gone.getOutputStream().write(hellos.get(1));
            }
            try (SSLSocket afterHandshake = secured(connect(address))) {
                afterHandshake.startHandshake();
                afterHandshake.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                afterHandshake.setSoTimeout(10_000);
                assertEquals(-1, readOrEnd(afterHandshake.getInputStream()));
            }
        }
        List<Inbox> inboxes = Stream.of(true, false).map(tls -> consume(group(), consumer -> {
            consumer.setUseTLS(tls);
            run(() -> consumer.subscribe(topic, "*"));
        })).collect(Collectors.toList());
        send(producer(producer -> producer.setUseTLS(true)), topic, null, "still here");
        inboxes.forEach(inbox -> inbox.await(1));
    }

    private static Socket connect(String address) throws IOException {
        int colon = address.lastIndexOf(':');
        return new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
    }

    /** TLS on top of a socket, whatever the server's certificate. */
    private static SSLSocket secured(Socket socket) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new TrustAnybody()}, new SecureRandom());
        return (SSLSocket) context.getSocketFactory().createSocket(socket, null, socket.getPort(), true);
    }

    /** A server that closes may reset the connection. */
    private static int readOrEnd(InputStream stream) {
        try {
            return stream.read();
        } catch (IOException reset) {
            return -1;
        }
    }

    private static final class TrustAnybody implements X509TrustManager {
        @Override
        public void checkClientTrusted(java.security.cert.X509Certificate[] chain, String type) {
        }

        @Override
        public void checkServerTrusted(java.security.cert.X509Certificate[] chain, String type) {
        }

        @Override
        public java.security.cert.X509Certificate[] getAcceptedIssuers() {
            return new java.security.cert.X509Certificate[0];
        }
    }
}
