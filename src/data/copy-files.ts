import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eachInParallel } from '../object-store/run-parallel.js';
import type { DataFile } from './data-file.js';
import { localName } from './local-name.js';
import { providerOf } from './provider-of.js';
import type { FileIdentity, Staging, TransferOptions } from './staging.js';
import { removeLeftovers } from './write-whole.js';

/** One file to copy. */
export interface FileCopy {
  readonly source: DataFile;
  /** What the source is, where somebody has asked: another content is `TRANSFER_FAILED`. */
  readonly identity?: FileIdentity | undefined;
  readonly target: DataFile;
}

/** Files begun at a time; large ones are moved in parts, in parallel as well. Stores say how many requests are in flight. */
const PARALLEL_FILES = 64;

/**
 * Copies files of any schemes, in parallel, straight to or from this machine's disk, or through a temporary file of it; also
 * while further ones are being found. Rejects with the first failure once the other transfers have stopped.
 */
export async function copyFiles(
  providers: readonly Staging[],
  copies: Iterable<FileCopy> | AsyncIterable<FileCopy>,
  { signal, onProgress }: TransferOptions,
): Promise<void> {
  let folder: Promise<string> | undefined;
  const throughHere = async (name: string): Promise<string> => {
    folder ??= mkdtemp(join(tmpdir(), 'sluice-copy-'));
    return join(await folder, name);
  };
  let count = 0;
  try {
    await eachInParallel(copies, { limit: PARALLEL_FILES, signal }, async ({ source, identity, target }, stop) => {
      const reader = providerOf(providers, source, 'canStageIn');
      const writer = providerOf(providers, target, 'canStageOut');
      const moving = { signal: stop, onProgress };
      if (source.scheme === 'file') await writer.stageOut(target, { ...moving, path: source.path });
      else if (target.scheme === 'file') {
        await removeLeftovers(dirname(target.path));
        await reader.stageIn(source, { ...moving, identity, suggestedPath: target.path });
      } else {
        count += 1;
        const suggestedPath = await throughHere(`${count}-${localName(source).slice(0, 100)}`);
        const path = await reader.stageIn(source, { signal: stop, identity, suggestedPath });
        await writer.stageOut(target, { ...moving, path }).finally(() => rm(suggestedPath, { force: true }));
      }
    });
  } finally {
    if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
  }
}
