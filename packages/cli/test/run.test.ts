import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createRequest, parseClusterInfo, Requests, ResponseCode } from '@rocketnest/protocol';
import { RemotingClient } from '@rocketnest/remoting';
import { waitFor } from '@rocketnest/testing';
import { type Running, start, temporaryDirectory } from './support.js';

let directory = '';
let running: Running[] = [];
let removeDirectory = () => {};
beforeEach(() => {
  ({ path: directory, remove: removeDirectory } = temporaryDirectory());
  running = [];
});
afterEach(async () => {
  for (const each of running.reverse()) await each.stop();
  removeDirectory();
});

function rocketnest(argv: readonly string[], env?: Record<string, string>): Running {
  const started = start(argv, env);
  running.push(started);
  return started;
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** Broker name → addresses, as a client learns them from the name server. */
async function brokersOf(namesrvAddr: string): Promise<Record<string, unknown>> {
  const client = new RemotingClient();
  const answer = await client.request(namesrvAddr, createRequest(Requests.getBrokerClusterInfo, {}));
  await client.close();
  const table = parseClusterInfo(answer.body).brokerAddrTable;
  return Object.fromEntries(Object.entries(table).map(([name, { brokerAddrs }]) => [name, brokerAddrs]));
}

/** A free port of 127.0.0.1; free again when this resolves. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const brokerConf = (special = '') =>
  file(
    'broker.conf',
    `brokerName=broker-x\nlistenPort=0\nbindAddress=127.0.0.1\nbrokerIP1=127.0.0.1\nstorePathRootDir=${join(directory, 'store')}\n${special}`,
  );
const namesrvConf = (special = '') =>
  file('namesrv.conf', `bindAddress=127.0.0.1\nkvConfigPath=${join(directory, 'kvConfig.json')}\n${special}`);

describe('rocketnest start', () => {
  const onFreePorts = ['--namesrv-port', '0', '--broker-port', '0'];

  it('is ready when clients find the broker through the name server, and stops with 0', async () => {
    const data = join(directory, 'new', 'data');
    const process = rocketnest(['start', '--data', data, ...onFreePorts]);
    const { namesrv, broker } = await process.ready();
    expect(await brokersOf(namesrv!)).toEqual({ 'broker-a': { 0: broker } });
    expect(await process.stop()).toBe(0);
    expect(process.stderr()).toBe('');
    expect(existsSync(join(data, 'commitlog'))).toBe(true);
  });

  it('keeps the key-value configuration in the data directory', async () => {
    const argv = ['start', '--data', join(directory, 'data'), ...onFreePorts];
    const client = new RemotingClient();
    const first = rocketnest(argv);
    const entry = { namespace: 'ns', key: 'k' };
    await client.request(
      (await first.ready())['namesrv']!,
      createRequest(Requests.putKvConfig, { ...entry, value: 'v' }),
    );
    await first.stop();
    const { namesrv } = await rocketnest(argv).ready();
    const answer = await client.request(namesrv!, createRequest(Requests.getKvConfig, entry));
    await client.close();
    expect(answer).toMatchObject({ code: ResponseCode.SUCCESS, extFields: { value: 'v' } });
  });

  it.each(['namesrv', 'broker'])('ends with one line when the port of the %s is taken', async (part) => {
    const other = await rocketnest(['start', '--data', join(directory, 'first'), ...onFreePorts]).ready();
    const port = other[part]!.split(':')[1]!;
    const argv = ['start', '--data', join(directory, 'second'), ...onFreePorts, `--${part}-port`, port];
    const second = rocketnest(argv);
    expect(await second.exitCode).toBe(1);
    expect(second.stdout()).toBe('');
    expect(second.stderr()).toMatch(
      new RegExp(`^rocketnest: cannot listen on 127\\.0\\.0\\.1:${port}: .*in use.*\\n$`),
    );
  });

  it('ends with one line when the data directory cannot be', async () => {
    const data = join(file('a-file', ''), 'data');
    const process = rocketnest(['start', '--data', data, ...onFreePorts]);
    expect(await process.exitCode).toBe(1);
    expect(process.stderr()).toMatch(
      /^rocketnest: cannot write to the data directory .*a-file\/data: ENOTDIR: not a directory; choose another with --data\n$/,
    );
  });

  it('ends with one line when another broker uses the data directory', async () => {
    const argv = ['start', '--data', join(directory, 'data'), ...onFreePorts];
    await rocketnest(argv).ready();
    const second = rocketnest(argv);
    expect(await second.exitCode).toBe(1);
    expect(second.stderr()).toMatch(/^rocketnest: .*lock.*\n$/);
  });

  it('passes the flush mode on', async () => {
    const process = rocketnest(['start', '--data', join(directory, 'data'), '--flush', 'sync_flush', ...onFreePorts]);
    const { broker } = await process.ready();
    const client = new RemotingClient();
    const config = await client.request(broker!, createRequest(Requests.getBrokerConfig, {}));
    await client.close();
    expect(config.body!.toString()).toContain('flushDiskType=SYNC_FLUSH');
  });

  it.each([
    [['--brokers', '0'], /--brokers must be a number from 1 to 26, got "0"/],
    [['--brokers', '27'], /--brokers must be a number from 1 to 26, got "27"/],
    [
      ['--brokers', '2', '--broker-port', '65530'],
      /--broker-port 65530 leaves no port for broker-b: 65540 is over 65535/,
    ],
  ])('ends with one line for %j', async (more, message) => {
    const process = rocketnest(['start', '--data', join(directory, 'data'), ...onFreePorts, ...more]);
    expect(await process.exitCode).toBe(1);
    expect(process.stderr()).toMatch(message);
    expect(process.stderr()).toMatch(/^rocketnest: [^\n]*\n$/);
  });

  it('stops with 0 when it is told to while it starts', async () => {
    const process = rocketnest(['start', '--data', join(directory, 'data'), ...onFreePorts]);
    expect(await process.stop()).toBe(0);
    expect(process.stdout()).toBe('');
  });
});

describe('rocketnest namesrv', () => {
  it('listens on the port of -p, else of the file', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const conf = namesrvConf(`listenPort=${port}`);
    const fromFile = rocketnest(['namesrv', '-c', conf]);
    expect(await fromFile.ready()).toEqual({ namesrv: `127.0.0.1:${port}` });
    expect(await fromFile.stop()).toBe(0);
    expect(await rocketnest(['namesrv', '-c', conf, '-p', String(other)]).ready()).toEqual({
      namesrv: `127.0.0.1:${other}`,
    });
  });

  it('warns of keys without effect and refuses unknown ones', async () => {
    const warned = rocketnest(['namesrv', '-p', '0', '-c', namesrvConf('serverWorkerThreads=8')]);
    await warned.ready();
    expect(warned.stderr()).toMatch(
      / warn +name server option serverWorkerThreads is known to Apache RocketMQ but has no effect here\n$/,
    );
    const refused = rocketnest(['namesrv', '-c', namesrvConf('listenPrt=9876')]);
    expect(await refused.exitCode).toBe(1);
    expect(refused.stderr()).toMatch(/^rocketnest: unknown name server option listenPrt.*\n$/);
  });

  it('ends with one line when its files are unusable', async () => {
    const missing = rocketnest(['namesrv', '-c', join(directory, 'none.conf')]);
    expect(await missing.exitCode).toBe(1);
    expect(missing.stderr()).toMatch(
      /^rocketnest: cannot read .*none\.conf, given with -c: ENOENT: no such file or directory\n$/,
    );
    file('kvConfig.json', '{');
    const damaged = rocketnest(['namesrv', '-p', '0', '-c', namesrvConf()]);
    expect(await damaged.exitCode).toBe(1);
    expect(damaged.stderr()).toMatch(/^rocketnest: .*kvConfig\.json is not a kvConfig\.json.*\n$/);
  });
});

describe('rocketnest broker', () => {
  it('registers where -n says, rather than the file or the environment', async () => {
    const namesrvAddr = (await rocketnest(['namesrv', '-p', '0', '-c', namesrvConf()]).ready())['namesrv']!;
    const nobody = `127.0.0.1:${await freePort()}`;
    const sources = [
      { argv: ['-n', namesrvAddr, '-c', brokerConf(`namesrvAddr=${nobody}`)], env: { NAMESRV_ADDR: nobody } },
      { argv: ['-c', brokerConf(`namesrvAddr=${namesrvAddr}`)], env: { NAMESRV_ADDR: nobody } },
      { argv: ['-c', brokerConf()], env: { NAMESRV_ADDR: namesrvAddr } },
    ];
    for (const { argv, env } of sources) {
      // Options are read at start: each turn writes the file anew.
      if (argv.includes('-c'))
        brokerConf(
          argv.length === 4 ? `namesrvAddr=${nobody}` : env.NAMESRV_ADDR === nobody ? `namesrvAddr=${namesrvAddr}` : '',
        );
      const process = rocketnest(['broker', ...argv], env);
      const { broker } = await process.ready();
      expect(await brokersOf(namesrvAddr)).toEqual({ 'broker-x': { 0: broker } });
      expect(await process.stop()).toBe(0);
      expect(await brokersOf(namesrvAddr)).toEqual({});
    }
  });

  it('waits for its name server, says so once, and is ready when it is there', async () => {
    const port = await freePort();
    const broker = rocketnest(['broker', '-n', `127.0.0.1:${port}`, '-c', brokerConf()]);
    await waitFor(() => broker.stderr().includes('waiting for a name server'), { what: 'the broker to wait' });
    expect(broker.stdout()).toBe('');
    await rocketnest(['namesrv', '-p', String(port), '-c', namesrvConf()]).ready();
    await broker.ready();
    expect(broker.stderr().match(/waiting for a name server/g)).toHaveLength(1);
  });

  it('stops with 0 while it waits for its name server', async () => {
    const broker = rocketnest(['broker', '-n', `127.0.0.1:${await freePort()}`, '-c', brokerConf()]);
    await waitFor(() => broker.stderr().includes('waiting for a name server'), { what: 'the broker to wait' });
    expect(await broker.stop()).toBe(0);
    expect(broker.stdout()).toBe('');
  });

  it('runs without a name server, and warns', async () => {
    const broker = rocketnest(['broker', '-c', brokerConf()]);
    await broker.ready();
    expect(broker.stderr()).toMatch(/no name server is known.*give one with -n\n$/);
  });

  it.each([
    ['an unknown key', 'autoCreatTopicEnable=true', /unknown broker option autoCreatTopicEnable/],
    [
      'a value of the wrong type',
      'autoCreateTopicEnable=perhaps',
      /autoCreateTopicEnable must be true or false, got "perhaps"/,
    ],
    [
      'an unusable directory',
      `storePathRootDir=/dev/null/store`,
      /cannot write to the data directory \/dev\/null\/store.*storePathRootDir/,
    ],
  ])('ends with one line for %s', async (_, special, message) => {
    const broker = rocketnest(['broker', '-c', brokerConf(special)]);
    expect(await broker.exitCode).toBe(1);
    expect(broker.stderr()).toMatch(message);
    expect(broker.stderr()).toMatch(/^rocketnest: [^\n]*\n$/);
  });

  it('refuses addresses that are none', async () => {
    const broker = rocketnest(['broker', '-n', 'localhost', '-c', brokerConf()]);
    expect(await broker.exitCode).toBe(1);
    expect(broker.stderr()).toMatch(/^rocketnest: .*localhost.*host:port.*\n$/);
  });
});

describe('rocketnest', () => {
  it('prints help, of all and of each command', async () => {
    const all = rocketnest(['--help']);
    expect(await all.exitCode).toBe(0);
    for (const name of ['start', 'namesrv', 'broker']) {
      expect(all.stdout()).toContain(`\n  ${name} `);
      const one = rocketnest([name, '--help']);
      expect(await one.exitCode).toBe(0);
      expect(one.stdout()).toContain(`Usage: rocketnest ${name}`);
      expect(one.stdout()).toMatch(/ready .*=HOST:PORT/);
    }
    const bare = rocketnest([]);
    expect(await bare.exitCode).toBe(0);
    expect(bare.stdout()).toBe(all.stdout());
  });

  it('prints its version', async () => {
    const process = rocketnest(['--version']);
    expect(await process.exitCode).toBe(0);
    expect(process.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['strat'], /unknown command 'strat'.*start/],
    [['start', '--prot', '1'], /unknown option '--prot'/],
    [['start', '--namesrv-port', 'many'], /--namesrv-port must be a port from 0 to 65535.*got "many"/],
    [['start', '--broker-port', '70000'], /--broker-port must be a port/],
    [['start', '--flush', 'never'], /--flush must be ASYNC_FLUSH or SYNC_FLUSH, got "never"/],
    [['start', '--log-level', 'loud'], /log level loud does not exist: choose one of debug, info/],
    [['namesrv', '-p'], /'-p, --port <PORT>' argument missing/],
    [['broker', 'extra'], /too many arguments/],
  ])('ends with one line for %j', async (argv, message) => {
    const process = rocketnest(argv);
    expect(await process.exitCode).toBe(1);
    expect(process.stdout()).toBe('');
    expect(process.stderr()).toMatch(message);
    expect(process.stderr()).toMatch(/^rocketnest: [^\n]*\n$/);
  });

  it('logs to stderr from the level asked for', async () => {
    mkdirSync(join(directory, 'data'));
    const argv = [
      'start',
      '--data',
      join(directory, 'data'),
      '--namesrv-port',
      '0',
      '--broker-port',
      '0',
      '--log-level',
      'info',
    ];
    const process = rocketnest(argv);
    await process.ready();
    await process.stop();
    expect(process.stderr()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info {2}broker broker-a\[0\] at \S+ unregistered/m);
    expect(process.stderr()).not.toMatch(/ debug /);
  });
});
