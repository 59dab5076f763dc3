package dev.rocketnest.suite.support;

import com.alibaba.fastjson2.JSONObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Lines of JSON to the runner, which owns the server processes, and its answers. */
final class Control {

    /** Standard output before anything redirects it. */
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    private Control() {
    }

    static void print(JSONObject event) {
        synchronized (OUT) {
            OUT.println(event.toJSONString());
        }
    }

    /** Has the runner do something with a broker, and waits until it is done. */
    static synchronized void ask(String action, int broker) {
        print(JSONObject.of("event", "ask", "action", action, "broker", broker));
        try {
            String answer = IN.readLine();
            if (!"done".equals(answer)) {
                throw new IllegalStateException(action + " of broker " + broker + ": " + answer);
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
