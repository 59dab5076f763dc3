import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CorruptError } from '@rocketnest/protocol';
import { ConfigFile } from '../src/config-file.js';

describe('a config file', () => {
  let directory: string;
  let path: string;
  let state: { value: number };
  let file: ConfigFile;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rocketnest-config-'));
    path = join(directory, 'config', 'x.json');
    state = { value: 0 };
    file = new ConfigFile(path, {
      encode: () => JSON.stringify(state),
      decode: (text) => {
        state = JSON.parse(text);
      },
    });
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('that is missing leaves its owner as it is', async () => {
    await file.load();
    expect(state.value).toBe(0);
  });

  it('is written only after a change', async () => {
    await file.save();
    await expect(readFile(path)).rejects.toThrow(/ENOENT/);
    state.value = 1;
    file.touch();
    expect(file.saved).toBe(false);
    await file.save();
    expect(file.saved).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('{"value":1}');
  });

  it('has changes made during a write in the next one', async () => {
    state.value = 1;
    file.touch();
    const first = file.save();
    state.value = 2;
    file.touch();
    await first;
    expect(await readFile(path, 'utf8')).toBe('{"value":2}');
    expect(file.saved).toBe(true);
  });

  it('is saved even while changes never end', async () => {
    const busy = new ConfigFile(path, {
      encode: () => {
        busy.touch();
        return '{}';
      },
      decode: () => undefined,
    });
    busy.touch();
    await Promise.all([busy.save(), busy.save()]);
    expect(busy.saved).toBe(false);
  });

  it('is read from its backup when it is damaged', async () => {
    for (const value of [1, 2]) {
      state.value = value;
      file.touch();
      await file.save();
    }
    await writeFile(path, '{"val');
    state.value = 0;
    await file.load();
    expect(state.value).toBe(1);
  });

  it('refuses to start empty when file and backup are damaged', async () => {
    for (const value of [1, 2]) {
      state.value = value;
      file.touch();
      await file.save();
    }
    await writeFile(path, '{"val');
    await writeFile(`${path}.bak`, '{');
    await expect(file.load()).rejects.toThrow(CorruptError);
    await expect(file.load()).rejects.toThrow(/x\.json/);
  });
});
