import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child, type CommandLine, leashed } from '../../../test/support/child.js';
import { jarsOf, lacksMaven, prepareJars } from './jars.js';
import { launch, type Server, type ServerKind, temporaryDirectory } from './server.js';

const UP = 'ip link set lo up';
const GRPC_PORT = 8081;
const NAMESRV_PORT = 9876;
const BROKER_PORT = 10_911;
const TOPIC = 'events';
const GROUP = 'bench';
const ADMIN_TIMEOUT_MS = 60_000;

// What Apache's own runbroker.sh opens for its off-heap buffers on Java 17.
const OPENED = [
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
];

/**
 * Apache's proxy with the broker in its process (local mode), and Apache's name server. The proxy listens on all interfaces and cannot
 * be told otherwise, so it runs, and applications with it, where loopback is the only one.
 */
export const rocketmqProxy: ServerKind = {
  missing: () => lacksMaven() ?? lacksNamespaces(),
  prepare: () => prepareJars('rocketmq-proxy'),
  start,
};

function lacksNamespaces(): string | null {
  const { status } = spawnSync('unshare', ['--net', 'sh', '-c', UP], { stdio: 'ignore' });
  if (status === 0 && spawnSync('nsenter', ['--version'], { stdio: 'ignore' }).status === 0) return null;
  return 'no network namespace can be made here (Linux, root, util-linux and iproute2)';
}

async function start(): Promise<Server> {
  const classPath = jarsOf('rocketmq-proxy');
  const directory = await temporaryDirectory('rocketmq-proxy');
  const java = (heap: string, ...args: string[]): CommandLine => ({
    command: 'java',
    args: [
      `-Xmx${heap}`,
      `-Duser.home=${directory}`,
      `-Drocketmq.home.dir=${directory}`,
      `-Dcom.rocketmq.proxy.configPath=${join(directory, 'proxy.json')}`,
      ...OPENED,
      '-cp',
      classPath,
      ...args,
    ],
    env: { ROCKETMQ_HOME: directory, RMQ_PROXY_HOME: directory },
  });
  await mkdir(join(directory, 'conf'));
  await writeFile(
    join(directory, 'proxy.json'),
    JSON.stringify({
      rocketMQClusterName: 'DefaultCluster',
      namesrvAddr: `127.0.0.1:${NAMESRV_PORT}`,
      localServeAddr: '127.0.0.1',
      grpcServerPort: GRPC_PORT,
      remotingListenPort: 8080,
    }),
  );
  await writeFile(
    join(directory, 'broker.conf'),
    [
      'brokerClusterName=DefaultCluster',
      'brokerName=broker-a',
      'brokerId=0',
      'brokerIP1=127.0.0.1',
      `listenPort=${BROKER_PORT}`,
      `namesrvAddr=127.0.0.1:${NAMESRV_PORT}`,
      `storePathRootDir=${join(directory, 'store')}`,
      'flushDiskType=ASYNC_FLUSH',
      'autoCreateTopicEnable=true',
      'defaultTopicQueueNums=8',
      'waitTimeMillsInSendQueue=10000',
      '',
    ].join('\n'),
  );
  // The name server makes the namespace; everything else enters it.
  const { command, args, env } = java('256m', 'org.apache.rocketmq.namesrv.NamesrvStartup');
  const script = `${UP} && exec "$0" "$@"`;
  const namesrv = new Child(
    'Apache name server',
    leashed({ command: 'unshare', args: ['--net', 'sh', '-c', script, command, ...args], ...(env && { env }) }),
  );
  const inside = ({ command, args, env: more }: CommandLine): CommandLine => ({
    command: 'nsenter',
    args: ['--target', String(namesrv.pid), '--net', command, ...args],
    env: { HOME: directory, ...more }, // The Node client logs there.
  });
  const stopNamesrv = async (): Promise<void> => {
    if (namesrv.exit === null) await namesrv.kill();
  };
  try {
    await namesrv.race(lineOf(namesrv, 'boot success'), ADMIN_TIMEOUT_MS, 'its start');
    const files = ['-pc', join(directory, 'proxy.json'), '-bc', join(directory, 'broker.conf')];
    const proxy = await launch(
      'Apache proxy',
      directory,
      inside(java('1g', 'org.apache.rocketmq.proxy.ProxyStartup', '-pm', 'local', ...files)),
      async (child) => child.lines.some((line) => line.includes('startup successfully')),
    );
    for (const words of [TOPIC_ARGS, GROUP_ARGS]) {
      await administer(inside(java('256m', 'org.apache.rocketmq.tools.command.MQAdminStartup', ...words)));
    }
    return {
      settings: { endpoints: `127.0.0.1:${GRPC_PORT}`, group: GROUP },
      pids: [namesrv.pid, proxy.child.pid],
      inside,
      stop: async () => {
        await proxy.stop();
        await stopNamesrv();
      },
    };
  } catch (error) {
    await stopNamesrv();
    throw error;
  }
}

const AT_BROKER = ['-n', `127.0.0.1:${NAMESRV_PORT}`, '-b', `127.0.0.1:${BROKER_PORT}`] as const;
const TOPIC_ARGS = ['updateTopic', ...AT_BROKER, '-t', TOPIC, '-r', '8', '-w', '8'] as const;
/** The proxy refuses members of groups that nobody has created. */
const GROUP_ARGS = ['updateSubGroup', ...AT_BROKER, '-g', GROUP] as const;

async function administer(command: CommandLine): Promise<void> {
  const admin = new Child('mqadmin', command);
  const exit = await admin.waitForExit(ADMIN_TIMEOUT_MS);
  if (exit !== 'code 0') throw admin.error(`ended with ${exit}`);
}

const lineOf = (child: Child, text: string): Promise<void> =>
  new Promise((resolve) => {
    child.onLine((line) => {
      if (line.includes(text)) resolve();
    });
  });
