import type { PilotTask } from '../wire/pilot/pilot-task.js';
import type { Manager } from './manager.js';
import type { Line } from './pending-tasks.js';

/** A task, and where it is. */
export interface PlacedTask {
  readonly key: number;
  /** Absent for what a manager holds and no client has claimed yet. */
  task: PilotTask | undefined;
  /** Counts tasks in the order they came. */
  readonly arrival: number;
  readonly sinceMs: number;
  /** Where it waits. */
  line: Line | undefined;
  /** Who has it, and the slots it takes there. */
  manager: Manager | undefined;
  slots: number;
}
