import type { TaskNeeds } from './pilot-task.js';

/** What one slot of a manager stands for: its share of the node. */
export interface SlotShare {
  readonly cores: number;
  /** Absent where memory is not shared out. */
  readonly memoryMiB?: number;
  /** Whole devices of one slot; 0 where there are none. */
  readonly accelerators: number;
}

/** Slots that a task takes of a manager; `Infinity` for what a slot has nothing of. Every task takes one at least. */
export function slotsFor(needs: TaskNeeds | undefined, share: SlotShare): number {
  if (needs === undefined) return 1;
  return Math.max(
    1,
    shares(needs.cores, share.cores),
    shares(needs.memoryMiB, share.memoryMiB ?? Number.POSITIVE_INFINITY),
    shares(needs.accelerators, share.accelerators),
  );
}

// A hair of tolerance: 0.1 x 3 cores are not more than 0.3.
function shares(needed: number | undefined, available: number): number {
  if (needed === undefined || needed <= 0) return 0;
  return Math.ceil(needed / available - 1e-9);
}
