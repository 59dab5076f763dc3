import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/client';
import { checkModuleOptions, type RocketMQModuleOptions } from '../src/options.js';

const check = (options: object) => checkModuleOptions("RocketMQModule 'default'", options as RocketMQModuleOptions);
const cluster = { namesrvAddr: '127.0.0.1:9876' };

describe('module options', () => {
  it('fills defaults and freezes', () => {
    const options = check(cluster);
    expect(options).toMatchObject({
      startMode: 'fail-fast',
      shutdownTimeoutMs: 30_000,
      globalEnhancers: false,
      enabled: true,
    });
    expect(Object.isFrozen(options)).toBe(true);
  });

  it('takes undefined as absent', () => {
    expect(check({ ...cluster, startMode: undefined, embedded: undefined }).startMode).toBe('fail-fast');
  });

  it.each([
    [{ namesrvAddr: 'host' }, /'default'\.namesrvAddr must be 'host:port'.*got 'host'/],
    [{ namesrvAddr: [] }, /namesrvAddr must be .* got an array/],
    [{ ...cluster, startMode: 'later' }, /startMode must be one of 'fail-fast', 'wait', 'background', got 'later'/],
    [{ ...cluster, shutdownTimeoutMs: -1 }, /shutdownTimeoutMs must be an integer >= 0, got -1/],
    [{ ...cluster, globalEnhancers: ['guard'] }, /globalEnhancers must be true, false or a list of guards/],
    [
      { ...cluster, producer: { sendTimeoutMs: '3s' } },
      /'default'\.producer\.sendTimeoutMs must be an integer >= 1, got '3s'/,
    ],
    [{ ...cluster, producer: { namesrvAddr: 'a:1' } }, /'default'\.producer has no option "namesrvAddr"/],
    [
      { ...cluster, consumer: { concurrency: 0 } },
      /'default'\.consumer\.concurrency must be an integer from 1 to 1000, got 0/,
    ],
    [
      { ...cluster, consumer: { consumeMessageBatchMaxSize: 8 } },
      /'default'\.consumer has no option "consumeMessageBatchMaxSize"/,
    ],
    [{ ...cluster, client: { addressMap: 'x' } }, /'default'\.client\.addressMap must be a function, got 'x'/],
    [
      { ...cluster, nameServer: 'a:1' },
      /has no option "nameServer"\. Its options are: namesrvAddr, nameServerEndpoint, embedded/,
    ],
    [
      { embedded: { brokerPort: 70_000 } },
      /'default'\.embedded\.brokerPort must be an integer from 0 to 65535, got 70000/,
    ],
    [{ embedded: { port: 1 } }, /'default'\.embedded has no option "port"/],
    [
      {},
      /has no name server\. Give one of namesrvAddr: .*, nameServerEndpoint: .* and embedded: .* NAMESRV_ADDR .* ROCKETMQ_NAMESRV_DOMAIN/,
    ],
    [{ embedded: false }, /has no name server/],
    [{ ...cluster, embedded: true }, /has namesrvAddr and embedded\. Give one of/],
    [
      { ...cluster, nameServerEndpoint: 'http://ns/list', embedded: true },
      /has namesrvAddr, nameServerEndpoint and embedded/,
    ],
    [{ nameServerEndpoint: 'ns' }, /'default'\.nameServerEndpoint must be .* got 'ns'/],
    [{ client: { nameServerEndpoint: 'http://ns/list' } }, /'default'\.client has no option "nameServerEndpoint"/],
    [null, /must be an object, got null/],
  ])('refuses %p', (options, message) => {
    expect(() => check(options as object)).toThrow(message);
    expect(() => check(options as object)).toThrow(ConfigurationError);
  });
});
