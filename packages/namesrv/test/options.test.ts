import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { configEntries, namesrvOptionTable, parseNamesrvProperties, resolveConfig } from '../src/options.js';

describe('parseNamesrvProperties', () => {
  it("reads Apache's keys", () => {
    const source =
      'listenPort=19876\norderMessageEnable = TRUE\nkvConfigPath=/data/kv.json\nscanNotActiveBrokerInterval=7000';
    expect(parseNamesrvProperties(source)).toEqual({
      port: 19876,
      orderMessageEnable: true,
      kvConfigPath: '/data/kv.json',
      scanIntervalMs: 7000,
    });
  });

  it("reads Java's system properties of TLS", () => {
    const source = 'tls.server.mode=enforcing\ntls.enable=false\ntls.config.file=/etc/tls.properties';
    expect(parseNamesrvProperties(source)).toEqual({
      tlsMode: 'enforcing',
      tlsEnable: 'false',
      tlsConfigFile: '/etc/tls.properties',
    });
  });

  it('names keys of Apache that have no effect', () => {
    const warnings: string[] = [];
    expect(parseNamesrvProperties('serverWorkerThreads=8', (message) => warnings.push(message))).toEqual({});
    expect(warnings).toEqual([expect.stringContaining('serverWorkerThreads')]);
  });

  it.each([
    ['listenPrt=1', /unknown name server option listenPrt: check its spelling/],
    ['listenPort=70000', /listenPort must be a whole number of port from 0 to 65535, got 70000/],
    ['listenPort=', /listenPort must be .* got ""/],
    ['listenPort=1e3x', /listenPort must be/],
    ['tls.server.mode=on', /tls.server.mode must be permissive or enforcing or disabled, got "on"/],
    ['orderMessageEnable=yes', /orderMessageEnable must be true or false, got "yes"/],
  ])('refuses %s', (source, message) => {
    expect(() => parseNamesrvProperties(source)).toThrow(ConfigurationError);
    expect(() => parseNamesrvProperties(source)).toThrow(message);
  });
});

describe('resolveConfig', () => {
  it("has Apache's defaults", () => {
    expect(resolveConfig({})).toMatchObject({
      port: 9876,
      scanIntervalMs: 5_000,
      brokerExpiryMs: 120_000,
      orderMessageEnable: false,
      returnOrderTopicConfigToBroker: true,
      supportActingMaster: false,
      waitSecondsForService: 45,
    });
  });

  it('checks values given in code, too', () => {
    expect(() => resolveConfig({ scanIntervalMs: 0 })).toThrow(/scanIntervalMs must be a whole number of ms from 1/);
    expect(() => resolveConfig({ port: '1' as unknown as number })).toThrow(ConfigurationError);
  });

  it('lists every option under one key of Apache', () => {
    const keys = configEntries(resolveConfig({})).map(([key]) => key);
    expect(new Set(keys).size).toBe(Object.keys(namesrvOptionTable).length);
    expect(keys).toContain('scanNotActiveBrokerInterval');
  });
});
