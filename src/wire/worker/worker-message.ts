import { decode, encode } from '../codec.js';
import { PARCEL, packResults, packTasks, parcelKindOf, unpackResults, unpackTasks } from '../pilot/parcel.js';
import type { PeerPlace, WorkerPeers } from '../pilot/peers.js';
import type { PilotResult, PilotTask } from '../pilot/pilot-task.js';
import type { SpillPlace } from '../pilot/spill-place.js';

/** What every task of a worker process has in common. */
export interface WorkerSetup {
  /** The mark that what it starts carries: its manager's. */
  readonly mark: string;
  /** Id of the manager. */
  readonly manager: string;
  /** The manager's own. */
  readonly scratchRoot: string;
  readonly sharesProject: boolean;
  readonly spill?: SpillPlace;
  /** Absent where nodes give each other nothing. */
  readonly peers?: WorkerPeers;
  /** A result above this cannot be sent. */
  readonly maxResultBytes: number;
}

/** What a task gets that has more than its worker's own share of the node. */
export interface SlotsGrant {
  readonly variables: Readonly<Record<string, string>>;
  /** Cores, as `taskset -c` takes them; absent where workers are not pinned. */
  readonly cores?: string;
}

/** Manager to worker process, both of one build: trusted as they are. */
export type WorkerOrder =
  | ({ readonly kind: 'setup' } & WorkerSetup)
  | { readonly kind: 'code'; readonly code: number; readonly bytes: Uint8Array }
  /** To be run in order. Each has a number, counted from `first`, by which the claim file names it. */
  | { readonly kind: 'run'; readonly first: number; readonly tasks: readonly PilotTask[]; readonly grant?: SlotsGrant }
  /** Give back those that have not begun: answered by `returned`. */
  | { readonly kind: 'revoke'; readonly keys: readonly number[] }
  /** A command should stop by itself. */
  | { readonly kind: 'stop'; readonly key: number }
  /** Where files are kept for other tasks, or why they cannot be: the answer to `wantsPlace`. */
  | { readonly kind: 'place'; readonly place: PeerPlace }
  | { readonly kind: 'noPlace'; readonly reason: string }
  /** Finish what contexts keep, and end. */
  | { readonly kind: 'end' };

/** Worker process to manager. */
export type WorkerReport =
  | { readonly kind: 'ready' }
  /** `runMs`: time of the user's code, of each. */
  | { readonly kind: 'results'; readonly results: readonly PilotResult[]; readonly runMs: readonly number[] }
  | { readonly kind: 'returned'; readonly keys: readonly number[] }
  /** A task left something that runs on: this worker takes no more, and gives back what has not begun. */
  | { readonly kind: 'spent'; readonly keys: readonly number[] }
  /** The walltime of a task begins to count, or no longer does. */
  | { readonly kind: 'clock'; readonly key: number; readonly running: boolean }
  | {
      readonly kind: 'group';
      readonly pid: number;
      readonly running: boolean;
      readonly startTicks?: string | undefined;
      readonly mark: string;
    }
  /** It is about to keep a file: where, and how do others find it? */
  | { readonly kind: 'wantsPlace' }
  /** It has kept a file. `path`: as it stands in URLs. */
  | { readonly kind: 'kept'; readonly path: string; readonly bytes: number }
  /** It has a cache whose entries are in that folder. */
  | { readonly kind: 'cache'; readonly entries: string }
  /** An error that a task left uncaught; the worker ends by it. */
  | { readonly kind: 'uncaught'; readonly error: Uint8Array };

/** A message as frames, its bulk uncopied. */
export function encodeWorkerMessage(message: WorkerOrder | WorkerReport): Uint8Array[] {
  switch (message.kind) {
    case 'run': {
      const { tasks, first, grant } = message;
      const frames = packTasks(PARCEL.run, tasks, first);
      return grant === undefined ? frames : [encode({ kind: 'run', grant }).bytes, ...frames];
    }
    case 'results':
      return packResults(message.results, message.runMs);
    default:
      return [encode(message).bytes];
  }
}

/** @throws {SluiceError} `PROTOCOL` for what cannot be read */
export function decodeWorkerOrder(frames: readonly Uint8Array[]): WorkerOrder {
  if (parcelKindOf(frames[0]) === PARCEL.run) return runOf(frames);
  const message = decode(frames[0] as Uint8Array) as WorkerOrder;
  return message.kind === 'run' ? { ...message, ...runOf(frames.slice(1)) } : message;
}

/** @throws {SluiceError} `PROTOCOL` for what cannot be read */
export function decodeWorkerReport(frames: readonly Uint8Array[]): WorkerReport {
  if (parcelKindOf(frames[0]) !== PARCEL.results) return decode(frames[0] as Uint8Array) as WorkerReport;
  const { results, runMs } = unpackResults(frames);
  return { kind: 'results', results, runMs };
}

function runOf(frames: readonly Uint8Array[]): WorkerOrder & { kind: 'run' } {
  const { tasks, word: first } = unpackTasks(frames);
  return { kind: 'run', first, tasks };
}
