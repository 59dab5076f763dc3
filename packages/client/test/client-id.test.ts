import { isIP } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { createClientId, localAddress } from '../src/client-id.js';

describe('createClientId', () => {
  it('is ip@pid#unique by default, different every time', () => {
    const ids = Array.from({ length: 50 }, () => createClientId({ clientIp: '10.0.0.1' }));
    expect(new Set(ids).size).toBe(50);
    for (const id of ids) expect(id).toMatch(new RegExp(`^10\\.0\\.0\\.1@${process.pid}#\\d+$`));
  });

  it('keeps a given instance name, so that the id survives a restart', () => {
    expect(createClientId({ clientIp: '10.0.0.1', instanceName: 'DEFAULT' })).toBe('10.0.0.1@DEFAULT');
  });

  it('ends with the unit name', () => {
    expect(createClientId({ clientIp: '10.0.0.1', instanceName: 'i', unitName: 'eu' })).toBe('10.0.0.1@i@eu');
  });

  it('finds an address of this machine', () => {
    expect(isIP(localAddress())).not.toBe(0);
  });
});
