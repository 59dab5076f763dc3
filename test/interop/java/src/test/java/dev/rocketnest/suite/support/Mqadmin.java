package dev.rocketnest.suite.support;

import java.util.List;
import java.util.stream.Collectors;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/** mqadmin in this JVM. */
final class Mqadmin extends MQAdminStartup {

    private Mqadmin() {
    }

    /** All commands, by name. */
    static List<String> commands() {
        SUB_COMMANDS.clear();
        initCommand();
        return SUB_COMMANDS.stream().map(command -> command.commandName()).sorted().collect(Collectors.toList());
    }

    /** Runs a command, which prints to standard output. With new command objects: some keep a client that they have closed. */
    static void execute(List<String> arguments) {
        SUB_COMMANDS.clear();
        main0(arguments.toArray(new String[0]), null);
    }
}
