import { createStoppable, type Stoppable } from '../run/stoppable.js';
import { taskIdOf } from '../wire/pilot/envelope-parts.js';
import type { AppCode } from '../wire/task-envelope.js';
import type { HeldTask } from './dispatch-messages.js';

/** What stopping needs of workers. */
export interface StopMeans {
  codeOf(code: number): AppCode;
  /** Asks the command of a task to end by itself. */
  ask(held: HeldTask): void;
  /** Ends the worker of a task. */
  terminate(held: HeldTask, reason: unknown): void;
}

/** Tasks that have to be stopped, or may have to be: those that were cancelled while they ran, and those with a walltime. */
export class TaskStops {
  readonly #means: StopMeans;
  readonly #stops = new Map<HeldTask, Stoppable>();

  constructor(means: StopMeans) {
    this.#means = means;
  }

  stop(held: HeldTask, reason: unknown): void {
    this.#of(held).stop(reason);
  }

  /** Its walltime begins to count. */
  clockStarted(held: HeldTask): void {
    this.#of(held).started();
  }

  /** The task is over, or no longer counts its time. */
  over(held: HeldTask): void {
    if (this.#stops.size === 0) return;
    this.#stops.get(held)?.over();
    this.#stops.delete(held);
  }

  close(): void {
    for (const stop of this.#stops.values()) stop.over();
    this.#stops.clear();
  }

  #of(held: HeldTask): Stoppable {
    const known = this.#stops.get(held);
    if (known !== undefined) return known;
    const { task } = held;
    const walltimeMs = task.needs?.walltimeMs;
    const about = {
      app: this.#means.codeOf(task.code),
      taskId: taskIdOf(task.parts),
      ...(walltimeMs !== undefined && { walltimeMs }),
    };
    const stop = createStoppable(about, {
      ask: () => this.#means.ask(held),
      terminate: () => this.#means.terminate(held, stop.reason),
    });
    this.#stops.set(held, stop);
    return stop;
  }
}
