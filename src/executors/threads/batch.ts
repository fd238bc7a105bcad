import { SluiceError } from '../../errors.js';
import type { Pace } from '../../run/pace.js';
import type { Outcome } from '../../wire/outcome.js';
import { type ClaimBoard, TASK_STATE } from '../../wire/threads/claim-board.js';
import type { OutcomeSheet } from '../../wire/threads/outcome-memory.js';
import { encodeBatch } from '../../wire/threads/task-batch.js';
import { threadFailure } from './thread-failure.js';
import type { ThreadTask } from './thread-task.js';
import type { TaskPlace, Termination, WorkloadEnd } from './workload.js';

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
export class Batch implements TaskPlace {
  /** As it travels. */
  readonly bytes: Uint8Array;
  /** How long it should keep its thread busy. */
  readonly expectedMs: number;
  readonly #tasks: readonly ThreadTask[];
  readonly #context: BatchContext;
  /** Absent before there is a thread for it, and once the board is for others. */
  #board: ClaimBoard | undefined;
  #terminate: Termination | undefined;
  /** Tasks before this one have their outcome, or are somewhere else. */
  #next = 0;
  #lastSeen = -1;
  /** What was on the board when it was left, and has not been told. */
  #left: Collected | undefined;
  /** Taken back already, for whoever asks next. */
  readonly #takenBack: ThreadTask[] = [];
  /** The task that was given up while it ran, and why. */
  #stopped: { readonly task: ThreadTask; readonly reason: unknown } | undefined;

  constructor(tasks: readonly ThreadTask[], expectedMs: number, context: BatchContext) {
    this.#tasks = tasks;
    this.expectedMs = expectedMs;
    this.#context = context;
    this.bytes = encodeBatch(tasks.map((task) => task.envelope));
    for (const task of tasks) task.place = this;
  }

  /** There is a thread for it. */
  enterBoard(board: ClaimBoard, terminate: Termination): void {
    board.reset(this.#tasks.length);
    this.#board = board;
    this.#terminate = terminate;
  }

  /** Its thread is done with it, and the board is for others. {@link end} answers. */
  leaveBoard(): void {
    this.#left = this.#collect();
    this.#board = undefined;
  }

  get mayStall(): boolean {
    return this.#next < this.#tasks.length - 1;
  }

  giveUp(task: ThreadTask, reason: unknown): void {
    const index = this.#tasks.indexOf(task);
    const board = this.#board;
    if (board === undefined || board.revoke(index) || board.stateOf(index) !== TASK_STATE.claimed) task.reject(reason);
    else this.#end(task, reason);
  }

  /** Ends whatever of it runs. */
  stop(reason: unknown): void {
    for (const task of this.takeBack()) task.reject(reason);
    const running = this.#tasks[Math.max(0, this.#board?.running ?? 0)] as ThreadTask;
    this.#end(running, reason);
  }

  takeBackStalled(): readonly ThreadTask[] {
    this.#tell(this.#collect());
    const running = this.#board?.running ?? -1;
    const isStalled = running !== -1 && running === this.#lastSeen && running < this.#tasks.length - 1;
    this.#lastSeen = running;
    return isStalled ? this.takeBack() : [];
  }

  takeBack(): readonly ThreadTask[] {
    this.#revokeRest();
    const taken = this.#takenBack.splice(0);
    for (const task of taken) task.place = undefined;
    return taken;
  }

  end(end: WorkloadEnd): void {
    if (end.kind === 'finished' && end.answer.outcome !== undefined) {
      this.#answer(this.#tasks[end.answer.index ?? 0] as ThreadTask, end.answer.outcome);
    }
    const left = this.#left ?? this.#collect();
    this.#left = undefined;
    this.#tell(left);
    if (end.kind === 'failed') this.#rejectLost(end.error);
  }

  #rejectLost(error: unknown): void {
    const running = this.#board?.running ?? -1;
    for (const [index, task] of this.#tasks.entries()) {
      if (task.place !== this || task.isAnswered) continue;
      if (task === this.#stopped?.task) task.reject(this.#stopped.reason);
      else if (index === running && this.#stopped === undefined) {
        task.reject(threadFailure(error, task.envelope, undefined));
      } else task.reject(neighbourLost(task));
    }
  }

  // Those that have not begun are taken back first, so that ending the thread harms as few as can be.
  #end(task: ThreadTask, reason: unknown): void {
    this.#stopped ??= { task, reason };
    this.#revokeRest();
    this.#terminate?.abort();
  }

  #revokeRest(): void {
    for (let index = this.#next; index < this.#tasks.length; index++) {
      if (this.#board?.revoke(index) === true) this.#takenBack.push(this.#tasks[index] as ThreadTask);
    }
  }

  /** Takes what is done off the board, for the thread may get another batch before it is told. */
  #collect(): Collected | undefined {
    const board = this.#board;
    if (board === undefined) return undefined;
    const tasks: ThreadTask[] = [];
    for (; this.#next < this.#tasks.length; this.#next++) {
      const state = board.stateOf(this.#next);
      if (state === TASK_STATE.free || state === TASK_STATE.claimed) break;
      if (state === TASK_STATE.done) tasks.push(this.#tasks[this.#next] as ThreadTask);
    }
    return tasks.length === 0 ? undefined : { tasks, outcomes: board.takeOutcomes(tasks.length) };
  }

  #tell(collected: Collected | undefined): void {
    if (collected === undefined) return;
    const { tasks, outcomes } = collected;
    for (const task of tasks) this.#answer(task, outcomes.next(this.#context.where));
  }

  #answer(task: ThreadTask, outcome: Outcome): void {
    // Given up since its outcome was collected.
    if (task.isAnswered) return;
    this.#context.pace.observe(task.envelope.app.hash, outcome.usage.runMs);
    if (task === this.#stopped?.task) task.reject(this.#stopped.reason);
    else task.resolve(outcome);
  }
}

/** Tasks that are done, and their outcomes in that order. */
interface Collected {
  readonly tasks: readonly ThreadTask[];
  readonly outcomes: OutcomeSheet;
}

function neighbourLost({ envelope }: ThreadTask): SluiceError {
  return new SluiceError(
    'WORKER_LOST',
    `task ${envelope.taskId} '${envelope.app.name}' was on a thread that ended because of another task`,
  );
}
