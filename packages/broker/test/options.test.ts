import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { brokerOptionTable, parseBrokerProperties, resolveBrokerOptions } from '../src/index.js';

describe('broker options', () => {
  it('have the defaults of Apache 5.5.0', () => {
    expect(resolveBrokerOptions({})).toMatchObject({
      brokerClusterName: 'DefaultCluster',
      listenPort: 10911,
      autoCreateTopicEnable: true,
      defaultTopicQueueNums: 8,
      flushConsumerOffsetInterval: 5_000,
      transactionCheckMax: 15,
      fileReservedTime: 72,
    });
  });

  it('announce the address they listen on, when it is one', () => {
    expect(resolveBrokerOptions({ bindAddress: '127.0.0.1' })).toMatchObject({
      brokerIP1: '127.0.0.1',
      brokerIP2: '127.0.0.1',
    });
    expect(resolveBrokerOptions({ brokerIP1: '10.1.2.3' })).toMatchObject({
      brokerIP1: '10.1.2.3',
      brokerIP2: '10.1.2.3',
    });
  });

  it('are frozen copies', () => {
    const given = { brokerName: 'a' };
    const options = resolveBrokerOptions(given);
    given.brokerName = 'b';
    expect(options.brokerName).toBe('a');
    expect(Object.isFrozen(options)).toBe(true);
  });

  it.each([
    [{ listenPort: 65_536 }, /listenPort.*65535.*65536/],
    [{ listenPort: 1.5 }, /listenPort/],
    [{ brokerName: ' ' }, /brokerName.*empty/],
    [{ namesrvAddr: 'localhost' }, /namesrvAddr.*HOST:PORT.*localhost/],
    [{ flushDiskType: 'NEVER' as 'SYNC_FLUSH' }, /flushDiskType.*ASYNC_FLUSH.*NEVER/],
    [{ brokerRole: 'SLAVE' }, /brokerRole.*replication/],
    [{ enablePropertyFilter: 'yes' as unknown as boolean }, /enablePropertyFilter.*true or false/],
    [{ 'tls.server.mode': 'on' }, /tls\.server\.mode must be permissive or enforcing or disabled, got "on"/],
    [{ brokerNam: 'a' } as object, /unknown broker option brokerNam: check its spelling/],
    [{ sendMessageThreadPoolNums: 4 } as object, /sendMessageThreadPoolNums.*Apache RocketMQ knows it/],
  ])('refuse %j', (given, message) => {
    expect(() => resolveBrokerOptions(given)).toThrow(ConfigurationError);
    expect(() => resolveBrokerOptions(given)).toThrow(message);
  });

  it('are all documented', () => {
    for (const [key, row] of Object.entries(brokerOptionTable)) {
      expect({ key, doc: row.doc.length > 10, unit: row.unit.length > 0 }).toEqual({ key, doc: true, unit: true });
    }
  });

  it('accept their own defaults', () => {
    const defaults = resolveBrokerOptions({});
    expect(resolveBrokerOptions(defaults)).toEqual(defaults);
  });
});

describe("Apache's broker.conf", () => {
  it('is read with its types', () => {
    const conf = [
      '# a broker',
      'brokerName = broker-a',
      'listenPort=10921',
      'autoCreateTopicEnable=TRUE',
      'flushDiskType: SYNC_FLUSH',
      'messageDelayLevel=1s 5s \\',
      '  10s',
    ].join('\n');
    expect(parseBrokerProperties(conf)).toEqual({
      brokerName: 'broker-a',
      listenPort: 10921,
      autoCreateTopicEnable: true,
      flushDiskType: 'SYNC_FLUSH',
      messageDelayLevel: '1s 5s 10s',
    });
  });

  it('warns by name about keys that Apache knows and this broker does not obey', () => {
    const warnings: string[] = [];
    const options = parseBrokerProperties('sendMessageThreadPoolNums=4\nbrokerName=a', (text) => warnings.push(text));
    expect(options).toEqual({ brokerName: 'a' });
    expect(warnings).toEqual([expect.stringContaining('sendMessageThreadPoolNums')]);
  });

  it('refuses keys that nobody knows', () => {
    expect(() => parseBrokerProperties('brokrName=a')).toThrow(/unknown broker option brokrName/);
  });

  it.each(['listenPort=ten', 'listenPort=', 'autoCreateTopicEnable=yes'])('refuses %s', (line) => {
    expect(() => parseBrokerProperties(line)).toThrow(ConfigurationError);
  });
});
