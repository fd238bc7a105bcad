import type { AppFuture } from '../app-future.js';
import type { Production } from './production.js';

/** Where a file is, as far as anybody knows. */
export type Place =
  | { readonly kind: 'unmade' }
  | { readonly kind: 'kept'; readonly home: string; readonly keeper: string | undefined }
  /** It was kept, and is not there any more. */
  | { readonly kind: 'lost' }
  /** It was removed, since nobody needed it any more. */
  | { readonly kind: 'freed' };
// `keeper`: label of the executor that alone reaches its home; absent where others do too.

/** The call of a join's body in which a file was declared. */
export interface JoinScope {
  readonly taskId: number;
  readonly attempt: number;
}

// A run may have a million: what few of them have is shared by the others.
const NONE: readonly never[] = [];
const UNMADE: Place = { kind: 'unmade' };

/** One `temp:` file of a run, and who needs it. */
export class TemporaryFile {
  readonly url: string;
  place: Place = UNMADE;
  /** What makes it; absent while a join has yet to pass it on to an app. */
  maker: Production | undefined = undefined;
  /** The future of the call that declared it last, while that has not ended. */
  pending: AppFuture<unknown> | undefined = undefined;
  /** Tasks that have not ended and read it. */
  readers = 0;
  /** Whether any future or DataFile of it can still be given to an app. */
  isReachable = true;
  /** The user has said that no other task will need it. */
  isReleased = false;
  /** Joins whose bodies are to pass it on to an app. */
  bodies: readonly number[] = NONE;
  /** Where it was declared last, if in the body of a join. */
  scope: JoinScope | undefined = undefined;
  /** A copy on its way to where all executors reach it. */
  copying: Promise<void> | undefined = undefined;
  /** Homes it had before, and has still. */
  oldHomes: readonly Place[] = NONE;

  constructor(url: string) {
    this.url = url;
  }

  /** Whether anybody reads it, or can still ask for it. */
  get isWanted(): boolean {
    return this.readers > 0 || (this.isReachable && !this.isReleased);
  }

  /** Whether the task that was to make it has ended without. */
  get hasFailed(): boolean {
    return this.place.kind === 'unmade' && this.pending === undefined;
  }
}
