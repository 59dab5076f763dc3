package dev.rocketnest.bench;

import java.util.Map;
import java.util.TreeMap;

/**
 * The official Java client as a load generator. Arguments: a subcommand, then {@code key=value} words. What happens is printed as
 * events, one JSON object per line: {@code ready} (where there is something to wait for), {@code measuring} and {@code measured}
 * around the time that counts, and {@code result}.
 */
public final class Driver {

    private interface Subcommand {
        void run(Options options) throws Exception;
    }

    private static final Map<String, Subcommand> SUBCOMMANDS = new TreeMap<>(Map.of(
        "send", Send::run,
        "oneway", Oneway::run,
        "fill", Fill::run,
        "transaction", Transactions::run,
        "ordered", Ordered::run,
        "latency", EndToEnd::run,
        "drain", Drain::run,
        "fanout", FanOut::run,
        "cold", ColdReads::run,
        "verify", Verify::run));

    private Driver() {
    }

    public static void main(String[] words) {
        // Threads of the client that are still at it must not keep the process, whatever comes.
        try {
            Subcommand subcommand = words.length == 0 ? null : SUBCOMMANDS.get(words[0]);
            if (subcommand == null) {
                throw new IllegalArgumentException("the first word must be one of " + SUBCOMMANDS.keySet());
            }
            subcommand.run(new Options(words));
            System.exit(0);
        } catch (Throwable error) {
            error.printStackTrace();
            System.exit(1);
        }
    }
}
