import type { DataFile } from './data-file.js';

/** What tells one content of a file from another: for caches and memoization. */
export interface FileIdentity {
  /** Entity tag, version or generation, or `mtime-size` where there is nothing better. */
  readonly tag: string;
  /** Size in bytes. */
  readonly size: number;
}

/** A file that a listing found. */
export interface ListedFile {
  readonly file: DataFile;
  readonly identity: FileIdentity;
}

/** What a staging declares of itself; the conformance suite holds it to each answer. */
export interface StagingCapabilities {
  /** Whether it writes, or only reads. */
  readonly stageOut: boolean;
  /** Whether there is {@link Staging.list}. */
  readonly list: boolean;
  /** Whether there is {@link Staging.remove}. */
  readonly remove: boolean;
  /**
   * What an identity rests on: the content (a version, an entity tag, a checksum), or time and size, which two contents
   * written within the clock's grain share; `none`: it has none, and nothing of it is cached.
   */
  readonly identity: 'content' | 'time' | 'none';
  /** Whether inputs are read where they are, so that no copy of them is made or kept. Default: false. */
  readonly readsInPlace?: boolean;
}

/** How any transfer is watched and stopped. */
export interface TransferOptions {
  readonly signal: AbortSignal;
  /** Told of bytes that have moved since it was told last; less than nothing, when a part has to be moved again. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

export interface StageInTarget extends TransferOptions {
  /** A free path of the file's own name, in a folder that exists. */
  readonly suggestedPath: string;
  /** The content that is wanted, from {@link Staging.identity}: another one is `TRANSFER_FAILED`. */
  readonly identity?: FileIdentity | undefined;
}

export interface StageOutSource extends TransferOptions {
  /** The local file. */
  readonly path: string;
  /** Whether it may be moved, not copied, since nobody needs it where it is; nor need it outlast the machine. Default: false. */
  readonly mayMove?: boolean;
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
  readonly capabilities: StagingCapabilities;
  /** What beside their URLs says where its files are; absent where URLs are enough. Caches keep them apart by it. */
  readonly place?: string;
  canStageIn(file: DataFile): boolean;
  canStageOut(file: DataFile): boolean;
  /** Whether a file, or a folder, is on this node already: it is read in place then, and not cached. Absent: none is. */
  isHere?(file: DataFile): boolean;
  /**
   * Makes the file's content readable, and resolves with the path: `suggestedPath` or, where nothing need be copied, the
   * path it already has. Never leaves half a file under that path.
   */
  stageIn(file: DataFile, target: StageInTarget): Promise<string>;
  /** Puts the local file `path` where `file` says. It appears there whole or not at all. */
  stageOut(file: DataFile, source: StageOutSource): Promise<FileIdentity | undefined>;
  /** `undefined` when there is no such file. Where a staging has no identities, its tags are empty. */
  identity(file: DataFile, signal?: AbortSignal): Promise<FileIdentity | undefined>;
  /** Identities of those that exist, by URL, in fewer requests than one for each. Absent: they are asked for one by one. */
  identities?(files: readonly DataFile[], signal: AbortSignal): Promise<ReadonlyMap<string, FileIdentity>>;
  /**
   * Every file below a folder, whose URL ends in `/`, at any depth; pages are fetched as they are consumed. Names that do
   * not begin with `startsWith`, below the folder and as they are written there, may be left out.
   */
  list?(folder: DataFile, signal: AbortSignal, startsWith?: string): AsyncIterable<ListedFile>;
  /** Removes files; one that is not there counts as removed. */
  remove?(files: readonly DataFile[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
