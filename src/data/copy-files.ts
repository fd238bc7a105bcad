import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runParallel } from '../object-store/run-parallel.js';
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
 * Copies files of any schemes, in parallel, straight to or from this machine's disk, or through a temporary file of it.
 * Rejects with the first failure once the other transfers have stopped; `NO_STAGING` before any has begun.
 */
export async function copyFiles(
  providers: readonly Staging[],
  copies: readonly FileCopy[],
  { signal, onProgress }: TransferOptions,
): Promise<void> {
  const planned = copies.map((copy) => ({
    ...copy,
    reader: providerOf(providers, copy.source, 'canStageIn'),
    writer: providerOf(providers, copy.target, 'canStageOut'),
  }));
  const isThroughHere = planned.some(({ source, target }) => source.scheme !== 'file' && target.scheme !== 'file');
  const folder = isThroughHere ? await mkdtemp(join(tmpdir(), 'sluice-copy-')) : tmpdir();
  try {
    await runParallel([...planned.entries()], { limit: PARALLEL_FILES, signal }, async ([index, copy], stop) => {
      const { source, identity, target, reader, writer } = copy;
      const moving = { signal: stop, onProgress };
      if (source.scheme === 'file') await writer.stageOut(target, { ...moving, path: source.path });
      else if (target.scheme === 'file') {
        await removeLeftovers(dirname(target.path));
        await reader.stageIn(source, { ...moving, identity, suggestedPath: target.path });
      } else {
        const suggestedPath = join(folder, `${index}-${localName(source).slice(0, 100)}`);
        const path = await reader.stageIn(source, { signal: stop, identity, suggestedPath });
        await writer.stageOut(target, { ...moving, path }).finally(() => rm(suggestedPath, { force: true }));
      }
    });
  } finally {
    if (isThroughHere) await rm(folder, { recursive: true, force: true });
  }
}
