import { classPath } from '../../scripts/apache.mjs';
import type { CommandLine } from './child.js';
import type { ServerCommands } from './servers.js';

// Logs, and whatever else Java code puts into the home directory, stay with the run.
function java(home: string, heap: string, rest: readonly string[]): CommandLine {
  return {
    command: 'java',
    args: [`-Xmx${heap}`, '-XX:+UseSerialGC', `-Duser.home=${home}`, `-Drocketmq.home.dir=${home}`, ...rest],
  };
}

/** Apache RocketMQ's own name server and broker, from the jars of Maven Central. */
export const apache: ServerCommands = {
  namesrv: ({ home, conf }) =>
    java(home, '256m', ['-cp', classPath, 'org.apache.rocketmq.namesrv.NamesrvStartup', '-c', conf]),
  broker: ({ home, conf, namesrvAddr }) =>
    java(home, '1g', [
      // what Apache's own runbroker.sh opens for its off-heap buffers on Java 17
      '--add-opens=java.base/java.nio=ALL-UNNAMED',
      '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
      '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
      ...['-cp', classPath, 'org.apache.rocketmq.broker.BrokerStartup', '-n', namesrvAddr, '-c', conf],
    ]),
};
