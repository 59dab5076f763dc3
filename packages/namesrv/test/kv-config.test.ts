import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rocketnest/protocol';
import { KvConfig } from '../src/kv-config.js';

let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kv-config-'));
  path = join(directory, 'deep', 'kvConfig.json');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('KvConfig', () => {
  it("keeps entries in Apache's file and reads them again", async () => {
    const kv = new KvConfig(path);
    await kv.load();
    await kv.put('ns', 'key', '值');
    await kv.put('ns', 'gone', 'x');
    await kv.put('other', 'key', 'v2');
    await kv.delete('ns', 'gone');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      configTable: { ns: { key: '值' }, other: { key: 'v2' } },
    });
    const again = new KvConfig(path);
    await again.load();
    expect(again.get('ns', 'key')).toBe('值');
    expect(again.list('other')).toEqual({ key: 'v2' });
    expect(again.list('nothing')).toBeUndefined();
    expect(again.get('ns', 'gone')).toBeUndefined();
  });

  it('writes one change after the other, so that the file ends with the last', async () => {
    const kv = new KvConfig(path);
    await Promise.all(Array.from({ length: 30 }, (_, turn) => kv.put('ns', `key${turn}`, 'v')));
    expect(Object.keys(JSON.parse(readFileSync(path, 'utf8')).configTable.ns)).toHaveLength(30);
    expect(readdirSync(join(directory, 'deep')).sort()).toEqual(['kvConfig.json', 'kvConfig.json.bak']);
  });

  it('says which file is damaged and does not overwrite it', async () => {
    const damaged = join(directory, 'kvConfig.json');
    writeFileSync(damaged, '{"configTable":');
    await expect(new KvConfig(damaged).load()).rejects.toThrow(ConfigurationError);
    await expect(new KvConfig(damaged).load()).rejects.toThrow(damaged);
    expect(readFileSync(damaged, 'utf8')).toBe('{"configTable":');
  });

  it('reports a failed write and goes on with the next', async () => {
    writeFileSync(join(directory, 'file'), '');
    const kv = new KvConfig(join(directory, 'file', 'kvConfig.json'));
    await expect(kv.put('ns', 'key', 'v')).rejects.toThrow(/ENOTDIR|EEXIST/);
    expect(kv.get('ns', 'key')).toBe('v');
    await expect(kv.put('ns', 'key2', 'v')).rejects.toThrow();
  });

  it('lives in memory without a path', async () => {
    const kv = new KvConfig();
    await kv.load();
    await kv.put('ns', 'key', 'v');
    expect(kv.get('ns', 'key')).toBe('v');
  });
});
