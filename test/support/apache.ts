import { javaCommand } from './jvm.js';
import type { ServerCommands } from './servers.js';

/** Apache RocketMQ's own name server and broker, from the jars of Maven Central. */
export const apache: ServerCommands = {
  namesrv: ({ home, conf, jvm }) =>
    javaCommand(
      home,
      ['-Xmx256m', `-Drocketmq.home.dir=${home}`, 'org.apache.rocketmq.namesrv.NamesrvStartup', ...['-c', conf]],
      jvm,
    ),
  broker: ({ home, conf, namesrvAddr, jvm }) =>
    javaCommand(
      home,
      [
        '-Xmx1g',
        `-Drocketmq.home.dir=${home}`,
        // what Apache's own runbroker.sh opens for its off-heap buffers on Java 17
        '--add-opens=java.base/java.nio=ALL-UNNAMED',
        '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
        '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
        'org.apache.rocketmq.broker.BrokerStartup',
        ...['-n', namesrvAddr, '-c', conf],
      ],
      jvm,
    ),
};
