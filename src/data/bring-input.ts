import type { DataFile } from './data-file.js';
import type { FileIdentity, Staging } from './staging.js';

/** One input a task waits for. */
export interface WantedInput {
  /** The file the app names: its copy bears that name. */
  readonly file: DataFile;
  /** Where its bytes really are for this worker: the same file, or one that carries it. */
  readonly source: DataFile;
  /** What it is, where somebody has asked before. */
  readonly identity?: FileIdentity;
  readonly suggestedPath: string;
  readonly signal: AbortSignal;
}

/**
 * Decides where an input's bytes come from, and resolves with their local path. Today that is always the staging of
 * `source`; a cache shared by a node's tasks is asked here, by `staging.identity(source)`, once there is one.
 */
export function bringInput(staging: Staging, { source, ...target }: WantedInput): Promise<string> {
  return staging.stageIn(source, target);
}
