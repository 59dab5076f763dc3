package dev.rocketnest.interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQReplyListener;
import org.apache.rocketmq.spring.core.RocketMQTemplate;
import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.stereotype.Component;

/**
 * Sends, asks and listens as a Spring application does. Commands are JSON lines on standard input, events JSON lines on standard output.
 */
@SpringBootApplication
public class SpringApp {
    static final ObjectMapper JSON = new ObjectMapper();

    /** A payload with what JSON has: numbers, text, lists, nothing, and a time, which it has not. */
    public static class Order {
        public long id;
        public String name;
        public double price;
        public List<String> items;
        public Date createdAt;
        public Order parent;
    }

    static synchronized void tell(String event, Object value) {
        try {
            System.out.println("\u0001" + JSON.writeValueAsString(Map.of("event", event, "value", value)));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Component
    @RocketMQMessageListener(topic = "${topics.orders}", consumerGroup = "spring-orders")
    static class Orders implements RocketMQListener<Order> {
        @Override
        public void onMessage(Order order) {
            tell("order", order);
        }
    }

    @Component
    @RocketMQMessageListener(topic = "${topics.texts}", consumerGroup = "spring-texts")
    static class Texts implements RocketMQListener<MessageExt> {
        @Override
        public void onMessage(MessageExt message) {
            tell("text", Map.of("body", new String(message.getBody()), "tag", message.getTags(), "keys", message.getKeys(),
                "locale", message.getUserProperty("locale")));
        }
    }

    @Component
    @RocketMQMessageListener(topic = "${topics.replies}", consumerGroup = "spring-replies")
    static class Replies implements RocketMQReplyListener<Order, Order> {
        @Override
        public Order onMessage(Order order) {
            order.name = "Spring: " + order.name;
            return order;
        }
    }

    @Bean
    CommandLineRunner commands(RocketMQTemplate template) {
        return args -> {
            tell("ready", "");
            Thread commands = new Thread(() -> {
                Scanner lines = new Scanner(System.in);
                while (lines.hasNextLine()) {
                    try {
                        run(template, JSON.readTree(lines.nextLine()));
                    } catch (Exception e) {
                        tell("failed", String.valueOf(e));
                    }
                }
                System.exit(0);
            });
            commands.start();
        };
    }

    static void run(RocketMQTemplate template, JsonNode command) throws Exception {
        String to = command.get("to").asText();
        JsonNode payload = command.get("payload");
        Object body = payload.isTextual() ? payload.asText() : JSON.treeToValue(payload, Order.class);
        switch (command.get("command").asText()) {
            case "send":
                template.syncSend(to, MessageBuilder.withPayload(body).setHeader("KEYS", "k1").setHeader("locale", "de").build());
                break;
            case "request":
                tell("reply", template.sendAndReceive(to, body, (java.lang.reflect.Type) body.getClass(), 60_000));
                break;
            default:
                throw new IllegalArgumentException(command.toString());
        }
    }

    public static void main(String[] args) {
        SpringApplication.run(SpringApp.class, args);
    }
}
