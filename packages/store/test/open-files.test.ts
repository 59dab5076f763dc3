import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Files, nodeFiles } from '../src/index.js';
import { OpenFiles, readFully } from '../src/open-files.js';
import { removeDirectories, temporaryDirectory } from './support/store.js';

afterEach(removeDirectories);

function countingFiles(): { files: Files; opened: string[]; closed: string[] } {
  const opened: string[] = [];
  const closed: string[] = [];
  const files: Files = {
    ...nodeFiles,
    open: (path, mode, done) =>
      nodeFiles.open(path, mode, (error, file) => {
        if (!file) return done(error);
        opened.push(path);
        const close = file.close.bind(file);
        file.close = () => {
          closed.push(path);
          close();
        };
        done(null, file);
      }),
  };
  return { files, opened, closed };
}

function makeFiles(count: number): string[] {
  const directory = temporaryDirectory();
  return Array.from({ length: count }, (_, i) => {
    writeFileSync(`${directory}/${i}`, `content ${i}`);
    return `${directory}/${i}`;
  });
}

const readText = (open: OpenFiles, path: string): Promise<string> =>
  open.use(path, async (file) => {
    const buffer = Buffer.alloc(9);
    await readFully(file, buffer, 0);
    return buffer.toString();
  });

describe('open files', () => {
  it('opens a file once for many users and keeps it open', async () => {
    const { files, opened } = countingFiles();
    const open = new OpenFiles(files, 4);
    const [path] = makeFiles(1);
    await Promise.all(Array.from({ length: 10 }, () => readText(open, path!)));
    await readText(open, path!);
    expect(opened).toEqual([path]);
    open.closeAll();
  });

  it('closes the least recently used beyond its limit', async () => {
    const { files, opened, closed } = countingFiles();
    const open = new OpenFiles(files, 2);
    const [a, b, c] = makeFiles(3) as [string, string, string];
    for (const path of [a, b, a, c]) await readText(open, path);
    expect(closed).toEqual([b]);
    expect(await readText(open, b)).toBe('content 1');
    expect(opened).toEqual([a, b, c, b]);
    open.closeAll();
    expect(closed.length).toBe(opened.length);
  });

  it('never closes a file in use, even when many are', async () => {
    const { files, opened, closed } = countingFiles();
    const open = new OpenFiles(files, 2);
    const paths = makeFiles(20);
    expect(await Promise.all(paths.map((path) => readText(open, path)))).toEqual(
      paths.map((_, i) => `content ${i}`.slice(0, 9)),
    );
    open.closeAll();
    expect(closed.sort()).toEqual(opened.sort());
  });

  it('closes a dropped file when its last user is done', async () => {
    const { files, closed } = countingFiles();
    const open = new OpenFiles(files, 4);
    const [path] = makeFiles(1);
    await open.use(path!, async () => {
      open.drop(path!);
      expect(closed).toEqual([]);
    });
    expect(closed).toEqual([path]);
  });

  it('rejects when the file cannot be opened, and tries again the next time', async () => {
    const open = new OpenFiles(nodeFiles, 4);
    const path = `${temporaryDirectory()}/later`;
    await expect(readText(open, path)).rejects.toThrow(/ENOENT/);
    writeFileSync(path, 'content !');
    expect(await readText(open, path)).toBe('content !');
    open.closeAll();
  });

  it('reads on: what follows is kept for the next call, until the file is dropped', async () => {
    const open = new OpenFiles(nodeFiles, 4);
    const path = `${temporaryDirectory()}/sequence`;
    const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i % 251));
    writeFileSync(path, bytes);
    const END = 30_000;
    for (const at of [0, 100, 16_000, 20_000]) {
      expect((await open.readOn(path, at, 1_000, END)).equals(bytes.subarray(at, at + 1_000))).toBe(true);
    }
    expect(open.readOn(path, 29_900, 100, END)).toBeInstanceOf(Buffer);
    expect(open.readOn(path, 29_901, 100, END)).toBeInstanceOf(Promise);
    expect((await open.readOn(path, 39_900, 1_000, 50_000)).length).toBe(100);
    open.drop(path);
    writeFileSync(
      path,
      bytes.map((byte) => byte + 1),
    );
    expect((await open.readOn(path, 29_900, 1, END))[0]).toBe(bytes[29_900]! + 1);
    open.closeAll();
  });
});
