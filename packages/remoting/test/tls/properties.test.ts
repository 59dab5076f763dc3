import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DEFAULT_TLS_CONFIG_FILE, readTlsFile } from '../../src/tls/properties.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rocketnest-tls-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function read(values: Record<string, string>) {
  const file = join(directory, 'tls.properties');
  const lines = Object.entries(values).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(file, lines.join(''));
  return readTlsFile(file);
}

const selfSigned = { server: {}, client: { rejectUnauthorized: false } };

describe('readTlsFile', () => {
  it("takes an empty file, and Apache's default place without a file, for self-signed certificates", async () => {
    expect(await read({})).toEqual(selfSigned);
    expect(readTlsFile(DEFAULT_TLS_CONFIG_FILE)).toEqual(selfSigned);
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
      'tls.client.authServer': 'true',
      'tls.client.trustCertPath': ca,
      'tls.protocols': 'TLSv1.2, TLSv1.3',
      'tls.ciphers': 'A,B',
    };
    expect(await read(files)).toEqual({
      server: {
        certPath: '/c.pem',
        keyPath: '/k.pem',
        keyPassword: 'secret',
        clientAuth: 'require',
        verifyClient: true,
        trustCertPath: ca,
        protocols: ['TLSv1.2', 'TLSv1.3'],
        ciphers: 'A:B',
      },
      client: {
        ca: 'authorities',
        rejectUnauthorized: true,
        ciphers: 'A:B',
        minVersion: 'TLSv1.2',
        maxVersion: 'TLSv1.3',
      },
    });
    expect((await read({ ...files, 'tls.test.mode.enable': 'true' })).server).toEqual({
      protocols: ['TLSv1.2', 'TLSv1.3'],
      ciphers: 'A:B',
    });
  });

  it.each([
    [{ 'tls.server.need.client.auth': 'maybe' }, /must be one of none, optional, require, got "maybe"/],
    [{ 'tls.protocols': 'SSLv3' }, /tls\.protocols in .*tls\.properties must be some of TLSv1,/],
    [{ 'tls.server.cert': 'a' }, /unknown key tls\.server\.cert in .*: its keys are tls\.test\.mode\.enable/],
    [
      { 'tls.server.certPath': 'a', 'tls.client.certPath': '/nowhere.pem' },
      /cannot read \/nowhere\.pem, named by tls\.client\.certPath/,
    ],
  ])('refuses %j', async (values, message) => {
    await expect(read(values as Record<string, string>)).rejects.toThrow(message);
  });

  it('refuses a file that is named but not there', () => {
    expect(() => readTlsFile('/nowhere')).toThrow('cannot read /nowhere, named by tls.config.file: ENOENT');
  });
});
