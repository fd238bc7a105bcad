import { encodeError } from '../wire/error-codec.js';
import { taskIdOf } from '../wire/pilot/envelope-parts.js';
import type { PilotResult, PilotTask } from '../wire/pilot/pilot-task.js';
import type { AppCodes } from './app-codes.js';
import type { HeldTask } from './dispatch-messages.js';
import { type Casualty, neighbourLost, workerFailure } from './worker-failure.js';
import type { WorkerEnding } from './worker-process.js';

interface Ended {
  readonly ending: WorkerEnding;
  /** Why it was ended, by whoever did. */
  readonly reason: unknown;
}

/** The results of tasks that failed by what became of their workers. */
export class TaskFailures {
  readonly #codes: AppCodes;
  readonly #onResult: (result: PilotResult) => void;
  /** How the last process of a worker ended. */
  readonly #endings = new Map<number, Ended>();

  constructor(codes: AppCodes, onResult: (result: PilotResult) => void) {
    this.#codes = codes;
    this.#onResult = onResult;
  }

  /** A worker has ended: its tasks are judged meanwhile. */
  during(worker: number, ended: Ended, judge: () => void): void {
    this.#endings.set(worker, ended);
    judge();
    this.#endings.delete(worker);
  }

  /** The worker ended while it ran this. */
  blame({ task }: HeldTask, worker: number): void {
    const { ending, reason } = this.#endings.get(worker) as Ended;
    this.fail(task, reason ?? workerFailure(ending, this.casualtyOf(task)));
  }

  /** The worker ended because of another task. */
  lost({ task }: HeldTask): void {
    this.fail(task, neighbourLost(this.casualtyOf(task)));
  }

  fail(task: PilotTask, error: unknown): void {
    const parts = [encodeError(error, { app: this.#codes.nameOf(task.code) })];
    this.#onResult({ key: task.key, kind: 'failure', parts });
  }

  casualtyOf({ parts, code }: PilotTask): Casualty {
    return { taskId: taskIdOf(parts), app: this.#codes.nameOf(code) };
  }
}
