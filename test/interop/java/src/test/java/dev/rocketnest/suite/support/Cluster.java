package dev.rocketnest.suite.support;

import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONObject;
import java.util.List;
import java.util.stream.Collectors;

/** The servers under test, as the runner described them in the system property {@code suite.cluster}. */
public final class Cluster {

    /** One broker of the cluster. */
    public static final class Broker {
        public final String name;
        public final String address;
        /** Its storePathRootDir, readable by the tests. */
        public final String storeDir;
        private final int index;

        private Broker(int index, JSONObject json) {
            this.index = index;
            this.name = json.getString("name");
            this.address = json.getString("address");
            this.storeDir = json.getString("storeDir");
        }

        /** Stops the broker cleanly and starts it again on the same store and port. Returns when it is registered. */
        public void restart() {
            Control.act("restart", index);
        }

        /** The same after kill -9. */
        public void killAndRestart() {
            Control.act("killAndRestart", index);
        }
    }

    public final String name;
    public final List<String> namesrvs;
    public final List<Broker> brokers;

    private Cluster(JSONObject json) {
        name = json.getString("name");
        namesrvs = json.getList("namesrvs", String.class);
        List<JSONObject> list = json.getList("brokers", JSONObject.class);
        brokers = list.stream().map(broker -> new Broker(list.indexOf(broker), broker)).collect(Collectors.toList());
    }

    static Cluster ofRunner() {
        String json = System.getProperty("suite.cluster");
        if (json == null) {
            throw new IllegalStateException("no servers: the suite is started by node scripts/java-suite.mjs");
        }
        return new Cluster(JSON.parseObject(json));
    }

    /** All name servers, as clients take them. */
    public String namesrvAddr() {
        return String.join(";", namesrvs);
    }
}
