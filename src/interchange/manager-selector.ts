import type { TaskNeeds } from '../wire/pilot/pilot-task.js';

/** A manager that could take a task now. */
export interface Candidate {
  readonly id: string;
  readonly blockId: string;
  readonly host: string;
  /** Counts managers in the order they came. */
  readonly arrival: number;
  readonly slots: number;
  /** Slots that nothing runs in; below 0 when tasks wait there for one. */
  readonly freeSlots: number;
}

/**
 * Decides which manager gets the next tasks. Called in the interchange, once for each batch, so it must be quick and
 * must not throw; what it answers that is no candidate counts as the first.
 */
export interface ManagerSelector {
  /** @param candidates never empty, in no order, and only for the time of the call */
  choose(candidates: readonly Candidate[], needs: TaskNeeds | undefined): Candidate;
}
