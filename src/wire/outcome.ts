import type { EncodedValue } from './encoded-value.js';

/** What one attempt's inputs had of their node's cache; files that need not be fetched are not counted. */
export interface InputUsage {
  /** Inputs that were there, or that another task was fetching. */
  readonly hits: number;
  /** Inputs that this attempt fetched. */
  readonly misses: number;
  readonly hitBytes: number;
  readonly missBytes: number;
  /** Contents that had to go for them. */
  readonly evictions: number;
  /** What was found to have been changed by a task, a sentence each; absent when nothing was. */
  readonly changed?: readonly string[];
}

/** What one attempt used, and where it ran. */
export interface Usage {
  /** Wall-clock time of the user's code alone, in milliseconds. */
  readonly runMs: number;
  /** Time spent staging in and out, in milliseconds. */
  readonly stagingMs: number;
  /** CPU time of the worker while the user's code ran, in milliseconds; absent where it cannot be told from others'. */
  readonly cpuMs?: number;
  /** Peak resident memory of the worker's process, in MiB; absent where the process is shared with others. */
  readonly peakMemoryMiB?: number;
  /** Host name, or the service's name for the place. */
  readonly where: string;
  /** Absent where no input was looked up in a cache. */
  readonly inputs?: InputUsage;
  /** What the service bills for this attempt, where it says so. */
  readonly billed?: { readonly milliseconds: number; readonly memoryMiB: number };
}

/** How an attempt ended on its worker. A failure of the user's code is an outcome too. */
export type Outcome =
  | {
      readonly kind: 'value';
      readonly value: EncodedValue;
      readonly usage: Usage;
      /** Where the executor has put `temp:` outputs that it was given no place for: real URLs by theirs. */
      readonly kept?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'error'; readonly error: Uint8Array; readonly usage: Usage };
// `error`: one encoded error, its class, remote stack and cause chain inside.
