import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Piscina } from 'piscina';
import type { StorageAccess } from '../../data/storage-access.js';
import { PriorityQueue } from '../../priority-queue.js';
import { Pace } from '../../run/pace.js';
import { createProcessGroups, type ProcessGroups } from '../../run/process-groups.js';
import type { Outcome } from '../../wire/outcome.js';
import { attemptName, type TaskEnvelope } from '../../wire/task-envelope.js';
import { LONGEST_BATCH } from '../../wire/threads/claim-board.js';
import type { ThreadAnswer, ThreadMessage } from '../../wire/threads/thread-message.js';
import type {
  Abortable,
  DispatchedAttempt,
  Executor,
  ExecutorCapabilities,
  ExecutorLoad,
  RunContext,
} from '../executor.js';
import { notRunning, startedBefore } from '../life-errors.js';
import { submitByDispatch } from '../submit-by-dispatch.js';
import { Batch, type BatchContext } from './batch.js';
import { isSmall, Single } from './single.js';
import { Station } from './station.js';
import { Stations } from './stations.js';
import {
  type ResolvedThreadPoolOptions,
  resolveThreadPoolOptions,
  type ThreadPoolOptions,
} from './thread-pool-options.js';
import { type TaskPool, ThreadTask } from './thread-task.js';
import type { ThreadWorkload, WorkloadEnd } from './workload.js';

// How often batches are looked at: a task that takes longer holds its neighbours up.
const STALL_MS = 1;
/** Tasks that wait while nobody looks after the threads. */
const MANY = 128;
/** What a task costs its thread beside the user's code. */
const OVERHEAD_MS = 0.004;

/**
 * Runs tasks on threads of the client's process. Small tasks travel in batches of about a millisecond; one that takes
 * longer does not hold up its neighbours, which go to another thread. A thread waits for more for 20 ms, during which the
 * client's process does not end by itself. An abort or a walltime ends the thread a function
 * runs on, and the process group of a command; native memory and aborts of the process are not contained. A function
 * that leaves a timer running loses its thread, so that the next task does not feel it: that costs as much as starting one.
 */
export class ThreadPoolExecutor implements Executor {
  readonly label: string;
  readonly storageAccess?: StorageAccess;
  readonly capabilities: ExecutorCapabilities = {
    sharesProject: true,
    sharesFilesystem: true,
    isolation: 'thread',
    cancelRunning: true,
    resources: [],
  };
  readonly #options: ResolvedThreadPoolOptions;
  readonly #queue = new PriorityQueue<ThreadTask>();
  readonly #running = new Map<number, ThreadWorkload>();
  readonly #context: BatchContext = {
    pace: new Pace({ longestBatch: LONGEST_BATCH, overheadMs: OVERHEAD_MS }),
    where: hostname(),
  };
  readonly #stations = new Stations(() => this.#fillThreads());
  readonly #tasks: TaskPool = { outstanding: 0, giveUp: (task, reason) => this.#giveUp(task, reason) };
  #pool: Piscina | undefined;
  #groups: ProcessGroups | undefined;
  #scratchRoot = '';
  #stallWatch: NodeJS.Timeout | undefined;
  #closing = false;

  /** @throws {SluiceError} `INVALID_OPTIONS` */
  constructor(options: ThreadPoolOptions = {}) {
    this.#options = resolveThreadPoolOptions(options);
    this.label = this.#options.label;
    const { storageAccess } = this.#options;
    if (storageAccess !== undefined) this.storageAccess = storageAccess;
  }

  /** @throws {SluiceError} `INVALID_OPTIONS` when it has been started before: a pool serves one kernel, once */
  async start(run: RunContext): Promise<void> {
    if (this.#pool !== undefined || this.#closing) throw startedBefore(this.label, 'ThreadPoolExecutor');
    const { maxThreads, maxHeapMiB } = this.#options;
    const { Piscina } = await import('piscina');
    this.#scratchRoot = join(run.runDir, 'scratch', this.label);
    this.#groups = createProcessGroups();
    this.#pool = new Piscina({
      filename: threadMain(),
      minThreads: 0,
      maxThreads,
      idleTimeout: 60_000,
      recordTiming: false,
      workerData: { scratchRoot: this.#scratchRoot },
      ...(maxHeapMiB !== undefined && { resourceLimits: limitsOf(maxHeapMiB) }),
    });
    this.#pool.on('message', this.#onMessage);
    // A thread that fails between tasks is replaced; without a listener it would end the client's process.
    this.#pool.on('error', () => {});
  }

  submit(envelope: TaskEnvelope, { signal }: { readonly signal: AbortSignal }): Promise<Outcome> {
    return submitByDispatch(this.dispatch.bind(this), envelope, signal);
  }

  dispatch(attempt: DispatchedAttempt): Abortable {
    const task = new ThreadTask(attempt, this.#tasks);
    if (this.#pool === undefined || this.#closing) task.reject(notRunning(this.label));
    else {
      this.#queue.push(task, attempt.priority ?? 0);
      // Who calls in a loop leaves no turn of the event loop to see that threads are idle.
      if (this.#queue.size % MANY === 0) this.#stations.look();
      this.#fillThreads();
    }
    return task;
  }

  load(): ExecutorLoad {
    return { outstanding: this.#tasks.outstanding, capacity: this.#options.maxThreads };
  }

  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    if (this.#pool === undefined) return;
    const pool = this.#pool;
    this.#closing = true;
    const timer = setTimeout(() => this.#stopAll(), graceMs);
    this.#fillThreads();
    while (this.#running.size > 0) await new Promise<void>((resolve) => pool.once('sluice:idle', resolve));
    clearTimeout(timer);
    clearTimeout(this.#stallWatch);
    this.#pool = undefined;
    await pool.destroy();
    this.#groups?.close();
    await rm(this.#scratchRoot, { recursive: true, force: true });
  }

  readonly #onMessage = (message: ThreadMessage): void => {
    if (message.kind === 'processGroup') this.#groups?.follow(message.attempt, message);
    if (message.kind !== 'spent') return;
    const workload = this.#running.get(message.id);
    if (workload === undefined) return;
    this.#putBack(workload.takeBack());
    this.#stations.answer(() => workload.end({ kind: 'finished', answer: message.answer }));
    workload.terminate.abort();
  };

  #giveUp(task: ThreadTask, reason: unknown): void {
    if (task.place !== undefined) {
      task.place.giveUp(task, reason);
      return;
    }
    this.#queue.remove(task);
    task.reject(reason);
  }

  #stopAll(): void {
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) {
      task.reject(notRunning(this.label));
    }
    for (const workload of this.#running.values()) workload.stop(notRunning(this.label));
  }

  #fillThreads(): void {
    while (this.#stations.hasIdle || this.#running.size < this.#options.maxThreads) {
      const task = this.#nextTask();
      if (task === undefined) break;
      if (isSmall(task.envelope)) {
        const batch = this.#batchFrom(task);
        const station = this.#stations.give(batch);
        if (station !== undefined) void this.#run(station);
        if (batch.mayStall) this.#watchStalls();
      } else {
        this.#stations.dismissOne();
        void this.#run(new Single(task));
      }
    }
    while (this.#closing && this.#stations.hasIdle) this.#stations.dismissOne();
  }

  // Whose turn has come, with its envelope made.
  #nextTask(): ThreadTask | undefined {
    for (let task = this.#queue.shift(); task !== undefined; task = this.#queue.shift()) {
      if (task.makeEnvelope()) return task;
    }
    return undefined;
  }

  // As many as should keep the thread busy for the time of a batch, and no more than its share of what waits.
  #batchFrom(first: ThreadTask): Batch {
    const { pace } = this.#context;
    const tasks = [first];
    const share = Math.ceil(this.#queue.size / this.#options.maxThreads);
    let expectedMs = pace.expectedMs(first.envelope.app.hash);
    while (tasks.length < share) {
      const next = this.#nextTask();
      if (next === undefined) break;
      const { hash } = next.envelope.app;
      if (!isSmall(next.envelope) || !pace.hasRoom({ count: tasks.length, expectedMs }, hash)) {
        this.#putBack([next]);
        break;
      }
      tasks.push(next);
      expectedMs += pace.expectedMs(hash);
    }
    return new Batch(tasks, expectedMs, this.#context);
  }

  async #run(workload: ThreadWorkload): Promise<void> {
    const pool = this.#pool as Piscina;
    this.#running.set(workload.id, workload);
    if (workload instanceof Single && workload.envelope.app.kind === 'bash') this.#groups?.expectOne();
    const { work, terminate: signal, transferList } = workload;
    const end = await pool.run(work, { signal, transferList: [...transferList] }).then(
      (answer: ThreadAnswer | undefined): WorkloadEnd => ({ kind: 'finished', answer: answer ?? {} }),
      (error: unknown): WorkloadEnd => ({ kind: 'failed', error }),
    );
    if (workload instanceof Single) this.#groups?.endAllOf(attemptName(workload.envelope));
    this.#running.delete(workload.id);
    if (workload instanceof Station) this.#stations.remove(workload);
    this.#putBack(workload.takeBack());
    // The thread gets its next work first: it runs while the outcomes of the last are seen to.
    this.#fillThreads();
    this.#stations.answer(() => workload.end(end));
    // A thread that was ended may write to its board for a moment yet: that one is not used again.
    if (workload instanceof Station && end.kind === 'finished') this.#stations.reuse(workload.board);
    if (this.#running.size === 0) pool.emit('sluice:idle');
  }

  #putBack(tasks: readonly ThreadTask[]): void {
    for (const task of tasks.toReversed()) {
      if (!task.isAnswered) this.#queue.putBack(task, task.envelope.priority ?? 0);
    }
  }

  #watchStalls(): void {
    this.#stallWatch ??= setTimeout(() => {
      this.#stallWatch = undefined;
      const stalling = [...this.#running.values()].filter(({ mayStall }) => mayStall);
      for (const workload of stalling) this.#stations.answer(() => this.#putBack(workload.takeBackStalled()));
      this.#fillThreads();
      if (stalling.length > 0) this.#watchStalls();
    }, STALL_MS);
  }
}

// Threads run as built, whether this file does (dist) or its source (under a TypeScript runner).
function threadMain(): string {
  return createRequire(import.meta.url).resolve('#worker/thread');
}

// At its limit V8 gives a thread 16 MiB more, in which Node ends it; a garbage collection that moves more than these out of
// the young generation at once would end the process.
function limitsOf(maxHeapMiB: number): { maxOldGenerationSizeMb: number; maxYoungGenerationSizeMb: number } {
  return { maxOldGenerationSizeMb: maxHeapMiB, maxYoungGenerationSizeMb: 16 };
}
