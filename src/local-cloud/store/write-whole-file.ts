import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';

/** Suffix of files being written: what still bears it at start is a leftover. */
export const UNFINISHED = '.unfinished';

/**
 * Writes a file so that it is seen whole, in place of what was there, or not at all: also when this process is killed.
 * It is not flushed to the disk, so a machine that loses power may lose it.
 */
export async function writeWholeFile(path: string, content: string): Promise<void> {
  const unfinished = `${path}.${randomUUID()}${UNFINISHED}`;
  try {
    await writeFile(unfinished, content);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
