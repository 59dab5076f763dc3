package dev.rocketnest.suite.support;

import com.alibaba.fastjson2.JSONObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Lines of JSON to the runner, which owns the server processes, and its answers. */
final class Control {

    /** Standard output before anything redirects it. */
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final BlockingQueue<String> ANSWERS = new LinkedBlockingQueue<>();

    private Control() {
    }

    /** Listens for answers; when the runner is gone, so is this JVM. */
    static void listen() {
        Thread thread = new Thread(() -> {
            try {
                BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
                in.lines().forEach(ANSWERS::add);
            } finally {
                Runtime.getRuntime().halt(1);
            }
        }, "Control");
        thread.setDaemon(true);
        thread.start();
    }

    static void print(JSONObject event) {
        synchronized (OUT) {
            OUT.println(event.toJSONString());
        }
    }

    /** Has the runner do something with a broker, and waits until it is done. */
    static void act(String action, int broker) {
        String answer = ask(JSONObject.of("event", "ask", "action", action, "broker", broker));
        if (!"done".equals(answer)) {
            throw new IllegalStateException(action + " of broker " + broker + ": " + answer);
        }
    }

    /** The test class to run next; empty when there is none. */
    static String nextClass() {
        return ask(JSONObject.of("event", "ask", "action", "next"));
    }

    private static synchronized String ask(JSONObject question) {
        print(question);
        try {
            return ANSWERS.take();
        } catch (InterruptedException interrupt) {
            throw new IllegalStateException("interrupted while waiting for an answer to " + question, interrupt);
        }
    }
}
