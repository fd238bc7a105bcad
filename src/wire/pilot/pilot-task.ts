import type { Resources } from '../task-envelope.js';

/** What decides where a task may run, besides its turn. */
export interface TaskNeeds extends Resources {
  /** How long it may run, in milliseconds: it is not placed where less time is left. */
  readonly walltimeMs?: number;
  /** Ids of managers that hold values or files it needs, the best first: a hint for selectors. */
  readonly near?: readonly string[];
}

/** One attempt as interchange and managers see it: what they decide by, and the envelope, which they never read. */
export interface PilotTask {
  /** Names the attempt within its executor; never given twice. */
  readonly key: number;
  /** The lowest goes first. */
  readonly priority: number;
  readonly needs: TaskNeeds | undefined;
  /** Number of the app's code in the executor: it is sent once to each manager, before the first task that has it. */
  readonly code: number;
  /** From {@link packEnvelope}: the first is small, any others are large values that are passed on as they are. */
  readonly parts: readonly Uint8Array[];
}

/** How an attempt ended. */
export interface PilotResult {
  readonly key: number;
  /** `outcome`: parts from {@link packOutcome}. `failure`: one encoded error, which `submit` rejects with. */
  readonly kind: 'outcome' | 'failure';
  readonly parts: readonly Uint8Array[];
}
