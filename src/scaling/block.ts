/** How a block ended. */
export type BlockEnd =
  /** Its job ended well by itself, after managers of it had worked. */
  | 'completed'
  /** Refused, died, or its managers never connected. */
  | 'failed'
  /** Its job reached its walltime. */
  | 'timeout'
  /** By somebody else, or because everything is closed. */
  | 'cancelled'
  /** The provider knows nothing of its job any more. */
  | 'missing'
  /** Was not needed any more. */
  | 'scaledIn'
  /** Its managers drained by themselves: before its walltime, or after a time. */
  | 'drained';

/** Why a job is being cancelled: what the block's end will be called, whatever its provider says then. */
export type CancelReason = 'scaledIn' | 'failed' | 'drained' | 'closing';

/** Where a block is. */
export type BlockState =
  /** Its provider has not yet taken its job. */
  | { readonly kind: 'submitting' }
  /** Its job waits, or runs and no manager of it has connected yet. */
  | { readonly kind: 'pending' }
  /** A manager of it has connected. It may have lost all of them since; its job goes on. */
  | { readonly kind: 'running' }
  /** Gets no more tasks, and ends once it has none. */
  | { readonly kind: 'draining'; readonly by: 'order' | 'itself' }
  | { readonly kind: 'cancelling'; readonly reason: CancelReason; readonly sinceMs: number; readonly message?: string }
  | {
      readonly kind: 'ended';
      readonly reason: BlockEnd;
      readonly atMs: number;
      /** What is known beyond the reason, for the user. */
      readonly message?: string;
      readonly exitCode?: number;
      readonly stdoutTail?: string;
      readonly stderrTail?: string;
    };

/** A block as monitors, strategies' authors and error handlers see it. Times are the supervisor's clock. */
export interface BlockInfo {
  /** `block-0`; see {@link byBlockNumber} for their order. */
  readonly blockId: string;
  /** Absent until its provider has taken its job. */
  readonly jobId?: string;
  readonly state: BlockState;
  /** What its provider last said of its job, or why it cannot be asked, while the job has not ended. */
  readonly note?: string;
  /** Connected managers. */
  readonly managers: number;
  /** Slots of its connected managers. */
  readonly slots: number;
  readonly busySlots: number;
  /** Whether a manager of it was ever seen with a task. */
  readonly wasBusy: boolean;
  /** Since any of its managers had a task, in milliseconds; 0 while one has. */
  readonly idleForMs: number;
  readonly createdAtMs: number;
  /** When its first manager connected; absent when none has. */
  readonly connectedAtMs?: number;
}

/** Id of the block with this number, from 0. */
export function blockIdOf(number: number): string {
  return `block-${number}`;
}

/** Orders blocks by number: `block-10` comes after `block-9`. */
export function byBlockNumber(a: { readonly blockId: string }, b: { readonly blockId: string }): number {
  return numberOf(a.blockId) - numberOf(b.blockId) || a.blockId.localeCompare(b.blockId);
}

function numberOf(blockId: string): number {
  return Number(/\d+$/.exec(blockId)?.[0] ?? 0);
}

/** Whether a block has ended that should not have: it failed, is missing, or ended otherwise before it ever worked. */
export function hasFailed({ state, connectedAtMs }: Pick<BlockInfo, 'state' | 'connectedAtMs'>): boolean {
  if (state.kind !== 'ended') return false;
  switch (state.reason) {
    case 'failed':
    case 'missing':
      return true;
    case 'timeout':
    case 'cancelled':
    case 'completed':
      return connectedAtMs === undefined;
    case 'scaledIn':
    case 'drained':
      return false;
  }
}
