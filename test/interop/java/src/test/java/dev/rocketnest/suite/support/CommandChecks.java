package dev.rocketnest.suite.support;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.function.Executable;

/**
 * How a command of mqadmin becomes a test: by what it prints. A run of white space counts as one space, so that rows of tables
 * can be written down.
 */
public abstract class CommandChecks extends SuiteTest {

    /** Servers answer this to requests of features that they do not have. */
    private static final String NOT_SUPPORTED = "not supported";

    /** A command with a check of its own. */
    protected static DynamicTest command(String name, Executable check) {
        return DynamicTest.dynamicTest(name, check);
    }

    /** A command line that prints all of this. */
    protected static DynamicTest prints(String commandLine, String... expected) {
        return command(nameIn(commandLine), () -> assertPrints(run(commandLine), expected));
    }

    /** A command line of a feature that a broker may lack: prints all of this, or else that it is not supported. */
    protected static DynamicTest printsOrIsNotSupported(String commandLine, String... expected) {
        return command(nameIn(commandLine), () -> {
            String printed = run(commandLine);
            if (!printed.contains(NOT_SUPPORTED)) {
                assertPrints(printed, expected);
            }
        });
    }

    /** A command line for something that is not set up here: the server refuses it with a response code, in its own words. */
    protected static DynamicTest isRefused(String commandLine) {
        return prints(commandLine, "CODE: ");
    }

    /** A command line for a kind of server that the cluster does not have: the server that is asked instead says so. */
    protected static DynamicTest isNotSupported(String commandLine) {
        return prints(commandLine, NOT_SUPPORTED);
    }

    /** Runs a command line, split at white space. */
    protected static String run(String commandLine) {
        String printed = singleSpaced(mqadmin(commandLine.trim().split("\\s+")));
        if (printed.contains(NOT_SUPPORTED)) {
            SuiteRunner.noteNotSupported();
        }
        return printed;
    }

    protected static String singleSpaced(String printed) {
        return printed.replaceAll("[ \\t]+", " ");
    }

    protected static void assertPrints(String printed, String... expected) {
        List<String> missing = Stream.of(expected).filter(text -> !printed.contains(text)).collect(Collectors.toList());
        assertTrue(missing.isEmpty(), () -> "missing " + missing + " in:\n" + printed);
    }

    private static String nameIn(String commandLine) {
        return commandLine.trim().split("\\s+")[0];
    }

    /** All commands that mqadmin has. */
    protected static List<String> allCommands() {
        return Mqadmin.commands();
    }
}
