import { classPath, classPath4 } from '../../scripts/apache.mjs';
import { javaCommand } from './jvm.js';
import type { ServerCommands } from './servers.js';

/** Apache RocketMQ's own name server and broker, from the jars of Maven Central. */
export const apache = serversOn(classPath);
/** The same of 4.9, which does not start without a configuration of its log. */
export const apache4: ServerCommands = {
  ...serversOn(classPath4),
  files: { 'conf/logback_namesrv.xml': '<configuration/>', 'conf/logback_broker.xml': '<configuration/>' },
};

// What Apache's own runbroker.sh opens for its off-heap buffers on Java 17.
const OPENED = [
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
];

function serversOn(jars: string): ServerCommands {
  const java: typeof javaCommand = (home, args, mode) =>
    javaCommand(home, [`-Drocketmq.home.dir=${home}`, ...args], mode, jars);
  return {
    namesrv: ({ home, conf, jvm }) =>
      java(home, ['-Xmx256m', 'org.apache.rocketmq.namesrv.NamesrvStartup', '-c', conf], jvm),
    broker: ({ home, conf, namesrvAddr, jvm }) => {
      const arguments_ = ['-n', namesrvAddr, '-c', conf];
      return java(home, ['-Xmx1g', ...OPENED, 'org.apache.rocketmq.broker.BrokerStartup', ...arguments_], jvm);
    },
  };
}
