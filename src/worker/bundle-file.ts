import { lstat, mkdir, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Keeps the text of a bundle as a file below `scratchRoot`, written once for all workers there; resolves with its URL. */
export async function keepBundle(scratchRoot: string, hash: string, text: string): Promise<string> {
  const folder = await ownFolder(scratchRoot);
  const path = join(folder, `${hash}.mjs`);
  const earlier = await readFile(path, 'utf8').catch(() => undefined);
  if (earlier !== text) {
    // Whole or not at all: another worker may import it the next moment.
    const unfinished = join(await mkdtemp(join(folder, 'new-')), 'bundle');
    await writeFile(unfinished, text);
    await rename(unfinished, path);
  }
  return pathToFileURL(path).href;
}

// The scratch root may lie in a folder that everyone can write to: code is kept where nobody else can.
async function ownFolder(scratchRoot: string): Promise<string> {
  const folder = join(scratchRoot, 'code');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  const isOurs = uid === process.getuid?.() && (mode & 0o022) === 0;
  return isOurs ? folder : mkdtemp(join(scratchRoot, 'code-'));
}
