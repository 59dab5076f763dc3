import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readJsonFile, writeJsonAtomic } from '../src/index.js';
import { removeDirectories, temporaryDirectory } from './support/store.js';

afterEach(removeDirectories);

describe('json file', () => {
  it('keeps the text before as .bak and leaves no .tmp', async () => {
    const path = `${temporaryDirectory()}/config/topics.json`;
    await writeJsonAtomic(path, '{"a":1}');
    expect(existsSync(`${path}.bak`)).toBe(false);
    await writeJsonAtomic(path, '{"a":2}');
    expect(readFileSync(path, 'utf8')).toBe('{"a":2}');
    expect(readFileSync(`${path}.bak`, 'utf8')).toBe('{"a":1}');
    expect(existsSync(`${path}.tmp`)).toBe(false);
  });

  it('is read from .bak when it is missing, empty, or not accepted', async () => {
    const path = `${temporaryDirectory()}/offsets.json`;
    await writeJsonAtomic(path, '{"good":1}');
    await writeJsonAtomic(path, '{"good":2}');
    expect(await readJsonFile(path)).toBe('{"good":2}');
    const parses = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    writeFileSync(path, '{"go');
    expect(await readJsonFile(path, parses)).toBe('{"good":1}');
    writeFileSync(path, '');
    expect(await readJsonFile(path)).toBe('{"good":1}');
    rmSync(path);
    expect(await readJsonFile(path)).toBe('{"good":1}');
  });

  it('is null when there is neither', async () => {
    expect(await readJsonFile(`${temporaryDirectory()}/none.json`)).toBeNull();
  });

  it('survives a crash between the two renames', async () => {
    const path = `${temporaryDirectory()}/x.json`;
    await writeJsonAtomic(path, 'one');
    // As far as a writer gets that dies after its first rename:
    writeFileSync(`${path}.tmp`, 'two');
    writeFileSync(`${path}.bak`, readFileSync(path));
    rmSync(path);
    expect(await readJsonFile(path)).toBe('one');
    await writeJsonAtomic(path, 'three');
    expect(await readJsonFile(path)).toBe('three');
    expect(readFileSync(`${path}.bak`, 'utf8')).toBe('one');
  });
});
