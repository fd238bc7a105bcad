import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../fixtures/staging/timed-transfer.mjs', import.meta.url));

/** One file to be moved by a process of its own. `in` brings it below the folder `path`. */
export interface ProcessTransfer {
  readonly direction: 'in' | 'out';
  readonly url: string;
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Moves a file in a process of its own; tells its local path, and how much memory that took. */
export async function transferInProcess({
  direction,
  url,
  path,
  env,
}: ProcessTransfer): Promise<{ path: string; growthMiB: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, direction, url, path], {
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout) as { path: string; growthMiB: number };
}

/** Begins to move a file, and kills the process once more than a MiB of it is in a temporary file below `watched`. */
export async function killInTransfer({ direction, url, path, env }: ProcessTransfer, watched: string): Promise<void> {
  const child = spawn(process.execPath, [SCRIPT, direction, url, path], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exit = once(child, 'exit');
  await expect.poll(() => temporaryBytes(watched), { timeout: 60_000, interval: 5 }).toBeGreaterThan(2 ** 20);
  child.kill('SIGKILL');
  const [, by] = await exit;
  expect(by).toBe('SIGKILL');
}

async function temporaryBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = names
    .filter((name) => name.endsWith('.part'))
    .map((name) =>
      stat(join(folder, name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      ),
    );
  return Math.max(0, ...(await Promise.all(sizes)));
}
