import { SluiceError } from '../../errors.js';
import type { Pace } from '../../run/pace.js';
import type { Outcome } from '../../wire/outcome.js';
import { type ClaimBoard, TASK_STATE } from '../../wire/threads/claim-board.js';
import { encodeBatch } from '../../wire/threads/task-batch.js';
import type { ThreadWork } from '../../wire/threads/thread-message.js';
import { threadFailure } from './thread-failure.js';
import type { ThreadTask } from './thread-task.js';
import { nextWorkloadId, Termination, type ThreadWorkload, type WorkloadEnd } from './workload.js';

/** What a pool's batches have in common. */
export interface BatchContext {
  /** By the hash of the app's code. */
  readonly pace: Pace<string>;
  /** Host name, for the tasks' usage. */
  readonly where: string;
}

/**
 * Small tasks that travel to a thread together. Each is claimed on the board before it runs: what is not claimed can be
 * taken back at any time, and what is done is read from the board at any time, also when the thread has ended.
 */
export class Batch implements ThreadWorkload {
  readonly id: number = nextWorkloadId();
  readonly transferList: readonly never[] = [];
  readonly terminate: Termination = new Termination();
  readonly work: ThreadWork;
  readonly board: ClaimBoard;
  readonly #tasks: readonly ThreadTask[];
  readonly #context: BatchContext;
  /** Tasks before this one have their answer, or are somewhere else. */
  #next = 0;
  #lastSeen = -1;
  /** Taken back already, for whoever asks next. */
  readonly #takenBack: ThreadTask[] = [];
  /** The task that was given up while it ran, and why. */
  #stopped: { readonly task: ThreadTask; readonly reason: unknown } | undefined;

  constructor(tasks: readonly ThreadTask[], board: ClaimBoard, context: BatchContext) {
    this.#tasks = tasks;
    this.board = board;
    this.#context = context;
    board.reset(tasks.length);
    const bytes = encodeBatch(tasks.map((task) => task.envelope));
    this.work = { kind: 'batch', id: this.id, tasks: bytes, board: board.memory };
    for (const task of tasks) task.workload = this;
  }

  giveUp(task: ThreadTask, reason: unknown): void {
    const index = this.#tasks.indexOf(task);
    if (this.board.revoke(index) || this.board.stateOf(index) === TASK_STATE.done) {
      task.reject(reason);
      return;
    }
    this.#end(task, reason);
  }

  stop(reason: unknown): void {
    for (const task of this.takeBack()) task.reject(reason);
    const running = this.#tasks[Math.max(0, this.board.running)] as ThreadTask;
    this.#end(running, reason);
  }

  takeBackStalled(): readonly ThreadTask[] {
    this.#collect();
    const { running } = this.board;
    const isStalled = running !== -1 && running === this.#lastSeen && running < this.#tasks.length - 1;
    this.#lastSeen = running;
    return isStalled ? this.takeBack() : [];
  }

  takeBack(): readonly ThreadTask[] {
    const taken: ThreadTask[] = [...this.#takenBack];
    this.#takenBack.length = 0;
    for (let index = this.#next; index < this.#tasks.length; index++) {
      const task = this.#tasks[index] as ThreadTask;
      if (!this.board.revoke(index)) continue;
      task.workload = undefined;
      taken.push(task);
    }
    return taken;
  }

  end(end: WorkloadEnd): void {
    if (end.kind === 'finished' && end.answer.outcome !== undefined) {
      this.#answer(this.#tasks[end.answer.index ?? 0] as ThreadTask, end.answer.outcome);
    }
    this.#collect();
    if (end.kind === 'failed') this.#rejectLost(end.error);
  }

  #rejectLost(error: unknown): void {
    const { running } = this.board;
    for (const [index, task] of this.#tasks.entries()) {
      if (task.workload !== this || task.isAnswered) continue;
      if (task === this.#stopped?.task) task.reject(this.#stopped.reason);
      else if (index === running && this.#stopped === undefined) {
        task.reject(threadFailure(error, task.envelope, undefined));
      } else task.reject(neighbourLost(task));
    }
  }

  // Those that have not begun are taken back first, so that ending the thread harms as few as can be.
  #end(task: ThreadTask, reason: unknown): void {
    this.#stopped ??= { task, reason };
    this.#takenBack.push(...this.takeBack());
    this.terminate.abort();
  }

  #collect(): void {
    for (; this.#next < this.#tasks.length; this.#next++) {
      const state = this.board.stateOf(this.#next);
      if (state === TASK_STATE.free || state === TASK_STATE.claimed) return;
      if (state !== TASK_STATE.done) continue;
      this.#answer(this.#tasks[this.#next] as ThreadTask, this.board.outcomeOf(this.#next, this.#context.where));
    }
  }

  #answer(task: ThreadTask, outcome: Outcome): void {
    this.#context.pace.observe(task.envelope.app.hash, outcome.usage.runMs);
    if (task === this.#stopped?.task) task.reject(this.#stopped.reason);
    else task.resolve(outcome);
  }
}

function neighbourLost({ envelope }: ThreadTask): SluiceError {
  return new SluiceError(
    'WORKER_LOST',
    `task ${envelope.taskId} '${envelope.app.name}' was on a thread that ended because of another task`,
  );
}
