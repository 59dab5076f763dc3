package dev.rocketnest.bench;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** The {@code key=value} words of a command line. */
final class Options {

    private final Map<String, String> values = new HashMap<>();

    /** @param words a subcommand, then {@code key=value} */
    Options(String[] words) {
        for (String word : Arrays.asList(words).subList(1, words.length)) {
            String[] pair = word.split("=", 2);
            if (pair.length != 2) {
                throw new IllegalArgumentException("expected key=value, got " + word);
            }
            values.put(pair[0], pair[1]);
        }
    }

    String text(String key) {
        String value = values.get(key);
        if (value == null) {
            throw new IllegalArgumentException(key + "=… is missing");
        }
        return value;
    }

    String text(String key, String ifAbsent) {
        return values.getOrDefault(key, ifAbsent);
    }

    int number(String key) {
        return Integer.parseInt(text(key));
    }

    int number(String key, int ifAbsent) {
        return values.containsKey(key) ? number(key) : ifAbsent;
    }

    /** Of a whole or broken number of seconds. */
    long millisOfSeconds(String key) {
        return Math.round(Double.parseDouble(text(key)) * 1000);
    }
}
