import { join } from 'node:path';
import { type Marks, workerMark } from '../run/marked-processes.js';
import type { NodePlan } from './node-plan.js';
import { placeVariables, shareVariables } from './worker-environment.js';
import type { WorkerLaunch } from './worker-process.js';

/** What all workers of a manager have in common. */
export interface LaunchParts {
  /** The manager's. */
  readonly id: string;
  readonly blockId: string;
  readonly plan: NodePlan;
  /** Path of the main of a worker process. */
  readonly workerMain: string;
  /** What workers get of it, besides their own variables. */
  readonly environment: NodeJS.ProcessEnv;
  readonly logFolder: string | undefined;
}

let pools = 0;

/** How the worker processes of a manager are started, each with marks of its own. */
export class WorkerLaunches {
  /** Names the manager's workers among all processes. */
  readonly mark: string;
  readonly #parts: LaunchParts;
  #count = 0;

  constructor(parts: LaunchParts) {
    this.#parts = parts;
    pools += 1;
    this.mark = `${workerMark()}-${pools}`;
  }

  /** For the next process of a rank. */
  next(rank: number): WorkerLaunch & { readonly marks: Marks } {
    const { environment, plan, id, blockId, workerMain, logFolder } = this.#parts;
    const own = plan.workers[rank] as NodePlan['workers'][number];
    this.#count += 1;
    const marks = { SLUICE_WORKER: workerMark(), SLUICE_WORKER_PROCESS: `${this.mark}-${this.#count}` };
    const place = placeVariables({ rank, count: plan.workers.length, poolId: id, blockId });
    return {
      main: workerMain,
      environment: { ...environment, ...place, ...shareVariables(own), ...marks },
      marks,
      ...(own.cores !== undefined && { cores: own.cores }),
      ...(logFolder !== undefined && { logFile: join(logFolder, `${id}-worker-${rank}.log`) }),
    };
  }
}
