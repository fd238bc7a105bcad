import type { ExecutorLoad } from '../../executors/executor.js';

/** An executor a task may run on. */
export interface Candidate {
  readonly label: string;
  load(): ExecutorLoad;
}

/** What a policy may know of the task it places. */
export interface Placement {
  readonly appName: string;
  readonly attempt: number;
  /** Where the last attempt ran, if there was one. */
  readonly lastExecutor: string | undefined;
}

/**
 * Chooses the executor of each attempt. Called once per launch with at least one candidate, in the order of the
 * kernel's configuration; must return the label of one of them.
 */
export interface RoutingPolicy {
  choose(candidates: readonly Candidate[], placement: Placement): string;
}
