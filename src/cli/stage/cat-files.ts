import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { StagingManager } from '../../data/staging-manager.js';
import { findFiles } from './find-files.js';

/** Writes files to stdout, one after the other, each once it is here and proved right. */
export async function catFiles(
  staging: StagingManager,
  { urls, signal }: { readonly urls: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  for await (const { file } of findFiles(staging, urls, { recursive: false, signal })) {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-cat-'));
    try {
      const paths = await staging.stageIn([file], { directory, signal });
      await pipeline(createReadStream(paths.get(file.url) as string), process.stdout, { end: false, signal });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}
