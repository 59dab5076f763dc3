import { describe, expect, it } from '@jest/globals';
import { tlsOf } from '../../src/tls/lazy.js';
import { DEFAULT_TLS_CONFIG_FILE } from '../../src/tls/properties.js';

const keys = { 'tls.server.mode': 'permissive', 'tls.enable': '', 'tls.config.file': DEFAULT_TLS_CONFIG_FILE };

describe('tlsOf', () => {
  it('lets connections to other servers follow the mode enforcing, unless told otherwise', () => {
    expect(tlsOf(keys).client()).toBe(false);
    expect(tlsOf({ ...keys, 'tls.server.mode': 'enforcing' }).client()).toEqual({ rejectUnauthorized: false });
    expect(tlsOf({ ...keys, 'tls.server.mode': 'enforcing', 'tls.enable': 'false' }).client()).toBe(false);
    expect(tlsOf({ ...keys, 'tls.enable': 'true' }).client()).toEqual({ rejectUnauthorized: false });
  });

  it('reads its file only when somebody asks', () => {
    const tls = tlsOf({ ...keys, 'tls.config.file': '/nowhere' });
    expect(tls.client()).toBe(false);
    expect(() => tls.server()).toThrow('cannot read /nowhere');
    expect(tlsOf({ ...keys, 'tls.server.mode': 'disabled', 'tls.config.file': '/nowhere' }).server()).toEqual({
      mode: 'disabled',
    });
  });
});
