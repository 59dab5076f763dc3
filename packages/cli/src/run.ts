import { createRequire } from 'node:module';
import { CommanderError, Command as Program } from 'commander';
import { brokerCommand } from './commands/broker.js';
import type { Command } from './commands/command.js';
import { namesrvCommand } from './commands/namesrv.js';
import { startCommand } from './commands/start.js';
import type { Io } from './io.js';
import { lineLogger, parseLogLevel } from './logger.js';
import { serve } from './serve.js';

/** All commands, in the order of the help. */
const commands: readonly Command[] = [startCommand, namesrvCommand, brokerCommand];

/**
 * Runs the command line `rocketnest …argv` until it is done or `io.stop` is aborted.
 *
 * @returns the exit code: 0 after a clean stop, 1 after an error, which was written to stderr as one line.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let done: Promise<void> = Promise.resolve();
  const program = new Program('rocketnest')
    .description(
      'RocketMQ without a JVM: name server and broker, compatible with Apache RocketMQ 5.5.0 on the wire and on disk.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: io.stdout,
      writeErr: () => {}, // The catch below writes errors, all in one form.
    });
  for (const command of commands) {
    const sub = program
      .command(command.name)
      .description(command.summary)
      .helpOption('-h, --help', 'print this help')
      .addHelpText('after', `\n${command.help}`)
      .action((values: Record<string, string | undefined>) => {
        const logLevel = parseLogLevel(values['logLevel'] ?? 'warn');
        const logger = lineLogger(logLevel, io.stderr);
        done = serve((context) => command.start(values, context), { logger, logLevel }, io);
      });
    for (const [flags, description] of command.options) sub.option(flags, description);
    sub.option('--log-level <LEVEL>', 'debug, info, warn, error or silent; the log goes to stderr (default: warn)');
  }
  try {
    if (argv.length === 0) {
      io.stdout(program.helpInformation());
      return 0;
    }
    program.parse([...argv], { from: 'user' });
    await done;
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    io.stderr(`rocketnest: ${describe(error)}\n`);
    return 1;
  }
}

function describe(error: unknown): string {
  if (error instanceof CommanderError) {
    return `${error.message.replace(/^error: /, '').replaceAll('\n', ' ')} (see rocketnest --help)`;
  }
  return (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ');
}

function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('rocketnest/package.json') as { version: string };
  return version;
}
