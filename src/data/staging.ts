import type { DataFile } from './data-file.js';

/** What tells one content of a file from another: for caches and memoization. */
export interface FileIdentity {
  /** Entity tag, or `mtime-size` for local files. */
  readonly tag: string;
  /** Size in bytes. */
  readonly size: number;
}

/**
 * Moves files of some schemes between where they live and a worker's disk. One folder below `data/` each.
 *
 * Every method rejects with a SluiceError (`NOT_FOUND`, `ACCESS_DENIED`, `TRANSFER_FAILED`, `SERVICE_FAILED`), or
 * with `signal.reason` once aborted.
 */
export interface Staging {
  readonly name: string;
  /** Schemes it knows, without colons: shown to those who ask for another one. */
  readonly schemes: readonly string[];
  canStageIn(file: DataFile): boolean;
  canStageOut(file: DataFile): boolean;
  /**
   * Makes the file's content readable below `directory`, and resolves with the path: `suggestedPath` (a free path
   * of the file's own name there) or, where nothing need be copied, the path it already has. Never leaves half a
   * file under that path.
   */
  stageIn(file: DataFile, target: { readonly suggestedPath: string; readonly signal: AbortSignal }): Promise<string>;
  /** Puts the local file `path` where `file` says. It appears there whole or not at all. */
  stageOut(file: DataFile, source: { readonly path: string; readonly signal: AbortSignal }): Promise<FileIdentity>;
  /** `undefined` when there is no such file. */
  identity(file: DataFile, signal?: AbortSignal): Promise<FileIdentity | undefined>;
  close(): Promise<void>;
}
