import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How many blocks of 4 KiB the files below a folder take together. */
export async function blocksIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  let blocks = 0;
  for (const entry of entries) {
    if (entry.isFile()) blocks += Math.ceil((await stat(join(entry.parentPath, entry.name))).size / 4096);
  }
  return blocks;
}
