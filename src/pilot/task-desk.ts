import { SluiceError } from '../errors.js';
import { workerMark } from '../run/marked-processes.js';
import { Pace } from '../run/pace.js';
import { createProcessGroups, type ProcessGroups } from '../run/process-groups.js';
import type { PilotResult, PilotTask } from '../wire/pilot/pilot-task.js';
import type { WorkerOrder, WorkerReport, WorkerSetup } from '../wire/worker/worker-message.js';
import { AppCodes } from './app-codes.js';
import type { DispatchCommand, DispatchEvent, HeldTask } from './dispatch-messages.js';
import { Dispatcher } from './dispatcher.js';
import { holdTask, refusalOf } from './hold-task.js';
import { MemoryWatch } from './memory-watch.js';
import { Prefetch } from './prefetch.js';
import { grantOf } from './slots-grant.js';
import { TaskFailures } from './task-failures.js';
import { TaskStops } from './task-stops.js';
import { memoryExceeded } from './worker-failure.js';
import { type LaunchParts, WorkerLaunches } from './worker-launches.js';
import { WorkerPool } from './worker-pool.js';
import type { WorkerEnding } from './worker-process.js';

/** What a desk is made of, and whom it tells. */
export interface TaskDeskOptions extends LaunchParts {
  readonly setup: Omit<WorkerSetup, 'mark'>;
  readonly enforceMemory: boolean;
  readonly startsAtOnce: number;
  /** Tasks it takes beyond its workers. */
  readonly prefetch: number | 'auto';
  onResults(results: readonly PilotResult[]): void;
  /** From now on it wants so many tasks beyond its workers. */
  onPrefetch(tasks: number): void;
  /** These had better run elsewhere. */
  onGivenBack(tasks: readonly PilotTask[]): void;
  /** A worker is about to keep a file: it waits to be told where, by {@link TaskDesk.tellPlace}. */
  onPlaceWanted(worker: number): void;
  /** A worker has kept a file, or has a cache, that other nodes may ask for. */
  onFiles(report: FilesReport): void;
  /** Something happened to its tasks. */
  onChange?(): void;
  /** A worker is there, or failed to be. */
  onWorker(): void;
  /** There will be no workers. */
  onHopeless(error: SluiceError): void;
}

/** What workers tell of files that other nodes may ask for. */
export type FilesReport = WorkerReport & { readonly kind: 'kept' | 'cache' };

const LONGEST_BATCH = 256;
/** What a task costs its process beside the user's code: reading, running, answering. */
const OVERHEAD_MS = 0.03;

/** The tasks of a manager and the worker processes that run them: does what the {@link Dispatcher} says. */
export class TaskDesk {
  readonly #options: TaskDeskOptions;
  readonly #codes: AppCodes;
  readonly #dispatcher: Dispatcher;
  readonly #pool: WorkerPool;
  readonly #memory: MemoryWatch | undefined;
  readonly #stops: TaskStops;
  readonly #prefetch: Prefetch;
  readonly #groups: ProcessGroups = createProcessGroups();
  readonly #failures: TaskFailures;
  readonly #launches: WorkerLaunches;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: TaskDeskOptions) {
    this.#options = options;
    const count = options.plan.workers.length;
    this.#prefetch = new Prefetch(count, options.prefetch);
    this.#codes = new AppCodes(count);
    this.#failures = new TaskFailures(this.#codes, (result) => options.onResults([result]));
    this.#dispatcher = new Dispatcher({
      workers: count,
      pace: new Pace({ longestBatch: LONGEST_BATCH, overheadMs: OVERHEAD_MS }),
    });
    this.#launches = new WorkerLaunches(options);
    this.#pool = this.#createPool(count);
    this.#memory = options.enforceMemory ? this.#createMemoryWatch() : undefined;
    this.#stops = new TaskStops({
      codeOf: (code) => this.#codes.appOf(code),
      ask: ({ worker, task }) => this.#pool.send(worker, { kind: 'stop', key: task.key }),
      terminate: (held, reason) => this.#pool.kill(held.worker, reason),
    });
  }

  /** Tasks it has. */
  get size(): number {
    return this.#dispatcher.size;
  }

  /** Whether every worker has been started once, well or badly. */
  get isSettled(): boolean {
    return this.#pool.isSettled;
  }

  /** Whether it has this task, wanted or not. */
  has(key: number): boolean {
    return this.#dispatcher.has(key);
  }

  /** Starts the workers. */
  start(): void {
    this.#groups.expectOne();
    for (const rank of this.#options.plan.workers.keys()) this.#pool.start(rank);
  }

  /** Keys of the tasks that a result is owed for. */
  keys(): readonly number[] {
    return this.#dispatcher.keys();
  }

  /** Tasks it takes beyond its workers, as it was said last. */
  get prefetch(): number {
    return this.#prefetch.said;
  }

  /** Gives back what no worker has been given. */
  giveBackWaiting(): void {
    this.#handle({ kind: 'surplus', keep: 0 });
  }

  addCode(code: number, bytes: Uint8Array): void {
    this.#codes.add(code, bytes);
  }

  /** @param environments variables of single tasks, by key */
  add(tasks: readonly PilotTask[], environments?: ReadonlyMap<number, Readonly<Record<string, string>>>): void {
    const held: HeldTask[] = [];
    const parts = { plan: this.#options.plan, codes: this.#codes };
    for (const task of tasks) {
      const refusal = refusalOf(task, parts);
      if (refusal === undefined) held.push(holdTask(task, environments?.get(task.key), parts));
      else this.#failures.fail(task, refusal);
    }
    if (held.length > 0) this.#handle({ kind: 'tasks', tasks: held });
  }

  cancel(keys: readonly number[]): void {
    this.#handle({ kind: 'cancel', keys });
  }

  /** Answers a worker that is about to keep a file. */
  tellPlace(worker: number, order: WorkerOrder & { readonly kind: 'place' | 'noPlace' }): void {
    this.#pool.send(worker, order);
  }

  /** Ends every worker, those that run something at once. */
  async close(graceMs: number): Promise<void> {
    clearTimeout(this.#ticker);
    this.#stops.close();
    this.#memory?.close();
    await this.#pool.close(graceMs, (rank) => this.#dispatcher.runningOn(rank) !== undefined);
    this.#groups.close();
  }

  #createPool(workers: number): WorkerPool {
    const { setup, startsAtOnce, onHopeless } = this.#options;
    return new WorkerPool({
      workers,
      startsAtOnce,
      setup: { ...setup, mark: workerMark() },
      launch: (rank) => this.#launches.next(rank),
      onReady: (rank, pid) => this.#ready(rank, pid),
      onReport: (rank, report) => this.#report(rank, report),
      onEnd: (rank, ending, reason) => this.#ended(rank, ending, reason),
      onHopeless,
    });
  }

  #createMemoryWatch(): MemoryWatch {
    return new MemoryWatch({
      isBusy: (rank) => this.#dispatcher.runningOn(rank) !== undefined,
      limitMiB: (rank) => this.#memoryLimitMiB(this.#dispatcher.runningOn(rank)),
      onExceeded: (rank, use) => {
        const held = this.#dispatcher.runningOn(rank);
        if (held !== undefined) this.#pool.kill(rank, memoryExceeded(this.#failures.casualtyOf(held.task), use));
      },
    });
  }

  #memoryLimitMiB(held: HeldTask | undefined): number | undefined {
    if (held === undefined) return undefined;
    const ofShare = this.#options.plan.memoryLimitMiB;
    return held.task.needs?.memoryMiB ?? (ofShare === undefined ? undefined : ofShare * held.slots);
  }

  #ready(rank: number, pid: number): void {
    this.#codes.startedAnew(rank);
    this.#memory?.add(rank, pid);
    this.#handle({ kind: 'ready', worker: rank });
    this.#options.onWorker();
  }

  #report(worker: number, report: WorkerReport): void {
    switch (report.kind) {
      case 'results':
        this.#handle({ kind: 'results', worker, results: report.results, runMs: report.runMs });
        return;
      case 'returned':
      case 'spent':
        this.#handle({ ...report, worker });
        return;
      case 'clock':
        this.#clock(worker, report);
        return;
      case 'group':
        this.#groups.follow(`${this.#launches.mark}-${worker}`, report);
        return;
      case 'wantsPlace':
        this.#options.onPlaceWanted(worker);
        return;
      case 'kept':
      case 'cache':
        this.#options.onFiles(report);
        return;
      case 'ready':
      case 'uncaught':
        return;
    }
  }

  #clock(worker: number, { key, running }: WorkerReport & { kind: 'clock' }): void {
    const held = this.#dispatcher.runningOn(worker);
    if (held === undefined || held.task.key !== key) return;
    if (running) this.#stops.clockStarted(held);
    else if (!held.isCancelled) this.#stops.over(held);
  }

  #ended(worker: number, ending: WorkerEnding, reason: unknown): void {
    this.#groups.endAllOf(`${this.#launches.mark}-${worker}`);
    this.#memory?.remove(worker);
    const running = this.#dispatcher.runningOn(worker);
    if (running !== undefined) this.#stops.over(running);
    this.#failures.during(worker, { ending, reason }, () => {
      this.#handle({ kind: 'gone', worker, claimed: ending.claimed });
    });
  }

  #handle(event: DispatchEvent): void {
    const nowMs = performance.now();
    if (event.kind === 'results') {
      for (const { key } of event.results) this.#over(event.worker, key);
      for (const runMs of event.runMs) this.#prefetch.observe(runMs);
    }
    for (const command of this.#dispatcher.handle(event, nowMs)) this.#do(command);
    if (event.kind === 'results') this.#sayPrefetch(nowMs);
    this.#options.onChange?.();
    const tickInMs = this.#dispatcher.tickInMs;
    if (tickInMs === undefined || this.#ticker !== undefined) return;
    this.#ticker = setTimeout(() => {
      this.#ticker = undefined;
      this.#handle({ kind: 'tick' });
      this.#giveBackSurplus();
    }, tickInMs);
  }

  #sayPrefetch(nowMs: number): number {
    const busyForMs = this.#dispatcher.busyForMs(nowMs);
    const news = this.#prefetch.news(busyForMs);
    if (news !== undefined) this.#options.onPrefetch(news);
    return busyForMs;
  }

  // Tasks were expected to be quick, and those that run are not: others may have workers that do nothing.
  #giveBackSurplus(): void {
    if (this.#options.prefetch !== 'auto' || this.#dispatcher.waiting === 0) return;
    const wanted = this.#prefetch.wanted(this.#sayPrefetch(performance.now()));
    if (this.#dispatcher.waiting > wanted * 2) this.#handle({ kind: 'surplus', keep: wanted });
  }

  // Only a task that runs can have something to be stopped by.
  #over(worker: number, key: number): void {
    const held = this.#dispatcher.runningOn(worker);
    if (held?.task.key === key) this.#stops.over(held);
  }

  #do(command: DispatchCommand): void {
    switch (command.kind) {
      case 'run':
        this.#run(command);
        return;
      case 'revoke':
        this.#pool.send(command.worker, { kind: 'revoke', keys: command.keys });
        return;
      case 'stop':
        this.#stops.stop(command.held, new SluiceError('CANCELLED', 'the task was cancelled'));
        return;
      case 'retire':
        this.#pool.send(command.worker, { kind: 'end' });
        return;
      case 'start':
        this.#pool.start(command.worker);
        return;
      case 'giveBack':
        this.#options.onGivenBack(command.tasks.map(({ task }) => task));
        return;
      case 'deliver':
        this.#options.onResults(command.results);
        return;
      case 'blame':
        this.#failures.blame(command.held, command.worker);
        return;
      case 'lost':
        this.#failures.lost(command.held);
        return;
    }
  }

  #run({ worker, tasks, slots }: DispatchCommand & { kind: 'run' }): void {
    for (const { task } of tasks) {
      const order = this.#codes.orderFor(worker, task.code);
      if (order !== undefined) this.#pool.send(worker, order);
    }
    const { sequence: first } = tasks[0] as HeldTask;
    const grant = grantOf(slots, tasks[0]?.variables, this.#options.plan);
    this.#pool.send(worker, { kind: 'run', first, tasks: tasks.map(({ task }) => task), ...(grant && { grant }) });
    // Looking costs a few milliseconds each time.
    if (this.#memoryLimitMiB(tasks[0]) !== undefined) this.#memory?.begin(worker);
  }
}
