package dev.rocketnest.bench;

import com.alibaba.fastjson2.JSONObject;

/** Standard output: one JSON object per line, its event first. */
final class Events {

    private Events() {
    }

    static void print(String event) {
        print(event, new JSONObject());
    }

    static synchronized void print(String event, JSONObject fields) {
        JSONObject line = new JSONObject();
        line.put("event", event);
        line.putAll(fields);
        System.out.println(line.toJSONString());
        System.out.flush();
    }
}
