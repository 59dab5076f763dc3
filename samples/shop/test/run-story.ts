import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Runs the built shop once, as `npm start -- --once` does, on a free HTTP port. */
export function runStory(
  environment: Readonly<Record<string, string>> = {},
): Promise<{ exit: number | null; output: string }> {
  const child = spawn(process.execPath, [main, '--once'], { env: { ...process.env, PORT: '0', ...environment } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve({ exit, output }));
  });
}
