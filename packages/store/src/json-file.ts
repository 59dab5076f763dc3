import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/**
 * Replaces a file so that, whenever the process or the machine dies, the old or the new text is found under `path` or `path.bak`.
 *
 * The text goes to `path.tmp` and to the disk; then `path` becomes `path.bak`, and `path.tmp` becomes `path`. Apache's
 * `ConfigManager.persist` writes `path` in place after the first rename; what it leaves and reads is the same.
 * Rejects with the error of the file system; the old files are then still there.
 */
export async function writeJsonAtomic(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await rename(path, `${path}.bak`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/**
 * The text under `path`, or when that is missing or empty under `path.bak`; null when there is neither. Java: `ConfigManager.load`.
 *
 * @param accept says whether a text is usable, for example parses; when the one under `path` is not, `path.bak` is tried.
 */
export async function readJsonFile(
  path: string,
  accept: (text: string) => boolean = () => true,
): Promise<string | null> {
  for (const candidate of [path, `${path}.bak`]) {
    try {
      const text = await readFile(candidate, 'utf8');
      if (text.length > 0 && accept(text)) return text;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return null;
}

async function syncDirectory(path: string): Promise<void> {
  let directory: FileHandle | undefined;
  try {
    directory = await open(path, 'r');
    await directory.sync();
  } catch {
    // Not every system can sync a directory; the renames are in order all the same.
  } finally {
    await directory?.close();
  }
}
