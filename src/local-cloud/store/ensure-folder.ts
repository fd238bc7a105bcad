import { mkdir } from 'node:fs/promises';

/** Makes the folder unless it is there. Its parent must exist: a bucket that was deleted is not to come back by halves. */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
