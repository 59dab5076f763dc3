import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readTlsProperties } from '../../src/tls/properties.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rocketnest-tls-'));
});
afterAll(() => rm(directory, { recursive: true }));

const read = (values: Record<string, string>) => readTlsProperties(Object.entries(values));

describe('readTlsProperties', () => {
  it('leaves everything at its default without a tls key', () => {
    expect(read({ brokerName: 'a' })).toEqual({ tls: {}, clientTls: false });
  });

  it('lets connections to other servers follow the mode enforcing, unless told otherwise', () => {
    expect(read({ 'tls.server.mode': 'ENFORCING' })).toEqual({
      tls: { mode: 'enforcing' },
      clientTls: { rejectUnauthorized: false },
    });
    expect(read({ 'tls.server.mode': 'enforcing', 'tls.enable': 'false' }).clientTls).toBe(false);
  });

  it('uses the certificates of files, unless the test mode is asked for', async () => {
    const ca = join(directory, 'ca.pem');
    await writeFile(ca, 'authorities');
    const files = {
      'tls.server.certPath': '/c.pem',
      'tls.server.keyPath': '/k.pem',
      'tls.server.keyPassword': 'secret',
      'tls.server.need.client.auth': 'require',
      'tls.server.authClient': 'true',
      'tls.server.trustCertPath': ca,
      'tls.enable': 'true',
      'tls.client.authServer': 'true',
      'tls.client.trustCertPath': ca,
      'tls.protocols': 'TLSv1.2, TLSv1.3',
      'tls.ciphers': 'A,B',
    };
    expect(read(files)).toEqual({
      tls: {
        certPath: '/c.pem',
        keyPath: '/k.pem',
        keyPassword: 'secret',
        clientAuth: 'require',
        verifyClient: true,
        trustCertPath: ca,
        protocols: ['TLSv1.2', 'TLSv1.3'],
        ciphers: 'A:B',
      },
      clientTls: {
        ca: 'authorities',
        rejectUnauthorized: true,
        ciphers: 'A:B',
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.3',
      },
    });
    expect(read({ ...files, 'tls.test.mode.enable': 'true' }).tls).toEqual({
      protocols: ['TLSv1.2', 'TLSv1.3'],
      ciphers: 'A:B',
    });
  });

  it('lets the file of its own win', async () => {
    const file = join(directory, 'tls.properties');
    await writeFile(file, 'tls.server.mode=disabled\nanything.else=1\n');
    expect(read({ 'tls.server.mode': 'enforcing', 'tls.config.file': file }).tls).toEqual({ mode: 'disabled' });
  });

  it.each([
    [
      { 'tls.server.mode': 'on' },
      'tls.server.mode in the configuration must be one of disabled, permissive, enforcing, got "on"',
    ],
    [{ 'tls.protocols': 'SSLv3' }, 'tls.protocols in the configuration must be some of TLSv1,'],
    [{ 'tls.config.file': '/nowhere' }, 'cannot read /nowhere, named by tls.config.file: ENOENT'],
    [{ 'tls.enable': 'yes' }, 'tls.enable in the configuration must be one of true, false, got "yes"'],
  ])('refuses %j', (values, message) => {
    expect(() => read(values as Record<string, string>)).toThrow(message);
  });
});
