package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends a number of messages as fast as it can, in batches. Options: topic, messages, size, batch (messages in each); deliverIn and
 * spread (seconds: each is a timer, due that long from now, and up to the spread later; sent one by one). The measurement is all; a
 * {@code progress} event tells every minute how many messages were handed out.
 */
final class Fill {

    private static final int IN_FLIGHT = 64;
    private static final int TIMERS_IN_FLIGHT = 1024;
    private static final long A_MINUTE = TimeUnit.MINUTES.toNanos(1);

    private Fill() {
    }

    static void run(Options options) throws Exception {
        int deliverIn = options.number("deliverIn", 0);
        int batch = deliverIn > 0 ? 1 : options.number("batch", 32);
        int inFlight = deliverIn > 0 ? TIMERS_IN_FLIGHT : IN_FLIGHT;
        int messages = options.number("messages");
        Measurement measurement = new Measurement();
        DefaultMQProducer producer = Clients.producer(options);
        Semaphore slots = new Semaphore(inFlight);
        measurement.begin();
        long told = System.nanoTime();
        for (int number = 0; number < messages;) {
            List<Message> next = new ArrayList<>(batch);
            for (int i = 0; i < batch && number < messages; i++, number++) {
                Message message = new Message(options.text("topic"), Bodies.create(options.number("size"), 0, number, 0));
                if (deliverIn > 0) {
                    double later = (double) number / messages * options.number("spread", 0);
                    message.setDeliverTimeMs(System.currentTimeMillis() + Math.round((deliverIn + later) * 1000));
                }
                next.add(message);
            }
            slots.acquire();
            if (System.nanoTime() - told > A_MINUTE) {
                told = System.nanoTime();
                Events.print("progress", JSONObject.of("messages", number));
            }
            send(producer, next, measurement, slots);
        }
        slots.acquire(inFlight);
        measurement.end();
        measurement.report(new JSONObject());
    }

    private static void send(DefaultMQProducer producer, List<Message> messages, Measurement measurement, Semaphore slots) throws Exception {
        long begin = System.nanoTime();
        SendCallback callback = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                try {
                    Send.check(result);
                    for (Message message : messages) {
                        measurement.sent.add(message.getBody());
                    }
                    measurement.completed(messages.size(), begin);
                } catch (IllegalStateException error) {
                    measurement.failed(error);
                } finally {
                    slots.release();
                }
            }

            @Override
            public void onException(Throwable error) {
                measurement.failed(error);
                slots.release();
            }
        };
        if (messages.size() == 1) {
            producer.send(messages.get(0), callback);
        } else {
            producer.send(messages, callback);
        }
    }
}
