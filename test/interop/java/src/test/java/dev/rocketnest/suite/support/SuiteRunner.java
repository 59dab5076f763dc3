package dev.rocketnest.suite.support;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectUniqueId;

import com.alibaba.fastjson2.JSONObject;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Asks for one test class after the other, runs it and prints one line of JSON per result. Started by
 * {@code test/support/java-suite.ts}, with system properties: {@code suite.method} (only methods with this in their name),
 * {@code suite.retry} (failed tests run once more).
 */
public final class SuiteRunner {

    /** The running test saw a server answer that it does not support what was asked. */
    private static volatile boolean notSupported;

    private SuiteRunner() {
    }

    /** Said by a test that accepts "not supported" as an answer: if it passes, that is its outcome. */
    static void noteNotSupported() {
        notSupported = true;
    }

    public static void main(String[] args) {
        Control.listen();
        String method = System.getProperty("suite.method", "");
        Launcher launcher = LauncherFactory.create();
        for (String next = Control.nextClass(); !next.isEmpty(); next = Control.nextClass()) {
            Results first = new Results(true);
            launcher.execute(request().selectors(selectClass(next)).filters(methodsNamed(method)).build(), first);
            if (Boolean.getBoolean("suite.retry") && !first.failed.isEmpty()) {
                launcher.execute(request()
                    .selectors(first.failed.keySet().stream().map(id -> selectUniqueId(id)).collect(Collectors.toList()))
                    .build(), new Results(false));
            }
        }
        Control.print(JSONObject.of("event", "commands", "names", Mqadmin.commands()));
        Control.print(JSONObject.of("event", "end"));
        Runtime.getRuntime().halt(0); // clients' threads would keep the JVM for seconds
    }

    private static LauncherDiscoveryRequestBuilder request() {
        return LauncherDiscoveryRequestBuilder.request()
            .configurationParameter("junit.jupiter.execution.timeout.testable.method.default", "60 s");
    }

    private static PostDiscoveryFilter methodsNamed(String part) {
        return descriptor -> FilterResult.includedIf(descriptor.getSource()
            .filter(MethodSource.class::isInstance).map(MethodSource.class::cast)
            .map(source -> source.getMethodName().contains(part))
            .orElse(true)); // a container, judged by its methods
    }

    /** Prints results as they come and remembers what failed. */
    private static final class Results implements TestExecutionListener {
        final Map<String, TestIdentifier> failed = new TreeMap<>();
        private final Map<String, Long> started = new TreeMap<>();
        private final boolean firstTry;

        Results(boolean firstTry) {
            this.firstTry = firstTry;
        }

        @Override
        public void executionStarted(TestIdentifier test) {
            started.put(test.getUniqueId(), System.nanoTime());
            notSupported = false;
        }

        @Override
        public void executionSkipped(TestIdentifier test, String reason) {
            print(test, "skipped", reason);
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            boolean passed = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
            if (passed && !test.isTest()) {
                return; // a class or a factory: its tests speak for themselves
            }
            if (!passed) {
                failed.put(test.getUniqueId(), test);
            }
            print(test, passed ? notSupported ? "refused" : "passed" : "failed", result.getThrowable().map(Results::stackTrace).orElse(null));
        }

        private void print(TestIdentifier test, String outcome, String message) {
            TestSource source = test.getSource().orElse(null);
            JSONObject event = JSONObject.of("event", "result", "id", test.getUniqueId(), "outcome", outcome);
            event.put("firstTry", firstTry);
            event.put("message", message);
            event.put("ms", (System.nanoTime() - started.getOrDefault(test.getUniqueId(), System.nanoTime())) / 1_000_000);
            if (source instanceof MethodSource) {
                MethodSource method = (MethodSource) source;
                Feature feature = method.getJavaMethod().getAnnotation(Feature.class);
                boolean dynamic = !test.getDisplayName().equals(method.getMethodName() + "()");
                event.put("class", method.getJavaClass().getSimpleName());
                event.put("method", method.getMethodName());
                event.put("display", dynamic ? test.getDisplayName() : null);
                event.put("area", feature == null ? null : feature.area());
                event.put("feature", feature == null ? null : feature.name());
            } else if (source instanceof ClassSource) {
                event.put("class", ((ClassSource) source).getJavaClass().getSimpleName());
            }
            Control.print(event);
        }

        /** Without the frames of JUnit and the JDK, which say nothing about the failure. */
        private static String stackTrace(Throwable error) {
            StringWriter text = new StringWriter();
            error.printStackTrace(new PrintWriter(text));
            return text.toString().lines()
                .filter(line -> !line.matches("\\s+at (org\\.junit|java\\.base|jdk)\\b.*"))
                .limit(40)
                .collect(Collectors.joining("\n"));
        }
    }
}
