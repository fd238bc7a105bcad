import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

const MEBIBYTE = 1024 * 1024;
const SCRIPT = fileURLToPath(new URL('../fixtures/object-store/large-transfer.mjs', import.meta.url));

/** `out` is from the file to the object, `in` to a folder beside the file, and as a stream. */
export type Direction = 'in' | 'out' | 'both';

/** Starts a process that stages a file out or in as a worker would. */
export function startTransfer(direction: Direction, url: string, path: string): ChildProcess {
  return spawn(process.execPath, [SCRIPT, direction, url, path], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Waits for its end, and gives the SHA-256 of what came in, each time, and by how much its memory grew. */
export async function outputOf(child: ChildProcess): Promise<{ hashes: string[]; growthMiB: number }> {
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  expect((await once(child, 'close'))[0]).toBe(0);
  return JSON.parse(text);
}

/** Kills it while it runs. */
export async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  expect((await ended)[1]).toBe('SIGKILL');
}

/** Writes whole MiB of random bytes, and gives their SHA-256. */
export async function writeRandom(target: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(target, 'w');
  for (let written = 0; written < size; written += MEBIBYTE) {
    const block = randomBytes(MEBIBYTE);
    hash.update(block);
    await handle.write(block);
  }
  await handle.close();
  return hash.digest('hex');
}
