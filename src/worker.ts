import { tellReaper } from './run/reaper-link.js';
import { defaultScratchRoot } from './run/scratch-root.js';
import { createBackends } from './worker/backends.js';
import { createTaskRunner, type TaskRunner } from './worker/task-runner.js';

export type { AttemptOptions, TaskRunner } from './worker/task-runner.js';

/** What differs from worker to worker. */
export interface WorkerOptions {
  /** Whether bare imports of apps resolve from the module that defined them. Default: false. */
  readonly sharesProject?: boolean;
  /**
   * Folder below which each attempt gets its scratch folder. Default: `sluice-` and the id of the user, in the system's folder
   * for temporary files.
   */
  readonly scratchRoot?: string;
}

/**
 * `sluice/worker`: the one task runner, for the worker of an executor written elsewhere. Make it on the main thread of
 * the worker's process: the first command starts a reaper, which ends what commands are left once that process is gone.
 */
export function createWorker(options: WorkerOptions = {}): TaskRunner {
  return createTaskRunner({
    backends: createBackends(),
    scratchRoot: options.scratchRoot ?? defaultScratchRoot(),
    sharesProject: options.sharesProject ?? false,
    runnerUrl: import.meta.url,
    onProcessGroup: tellReaper,
  });
}
