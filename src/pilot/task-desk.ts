import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { workerMark } from '../run/marked-processes.js';
import { Pace } from '../run/pace.js';
import { createProcessGroups, type ProcessGroups } from '../run/process-groups.js';
import { decode } from '../wire/codec.js';
import { encodeError } from '../wire/error-codec.js';
import { taskIdOf } from '../wire/pilot/envelope-parts.js';
import type { PilotResult, PilotTask } from '../wire/pilot/pilot-task.js';
import { slotsFor } from '../wire/pilot/slots.js';
import type { AppCode } from '../wire/task-envelope.js';
import type { SlotsGrant, WorkerReport, WorkerSetup } from '../wire/worker/worker-message.js';
import type { DispatchCommand, DispatchEvent, HeldTask } from './dispatch-messages.js';
import { Dispatcher } from './dispatcher.js';
import { MemoryWatch } from './memory-watch.js';
import type { NodePlan } from './node-plan.js';
import { Prefetch } from './prefetch.js';
import { TaskStops } from './task-stops.js';
import { placeVariables, shareVariables } from './worker-environment.js';
import { type Casualty, memoryExceeded, neighbourLost, workerFailure } from './worker-failure.js';
import { WorkerPool } from './worker-pool.js';
import type { WorkerEnding } from './worker-process.js';

/** What a desk is made of, and whom it tells. */
export interface TaskDeskOptions {
  /** The manager's. */
  readonly id: string;
  readonly blockId: string;
  readonly plan: NodePlan;
  readonly setup: Omit<WorkerSetup, 'mark'>;
  /** Path of the main of a worker process. */
  readonly workerMain: string;
  /** What workers get of it, besides their own variables. */
  readonly environment: NodeJS.ProcessEnv;
  readonly enforceMemory: boolean;
  readonly startsAtOnce: number;
  readonly logFolder: string | undefined;
  /** Tasks it takes beyond its workers. */
  readonly prefetch: number | 'auto';
  onResults(results: readonly PilotResult[]): void;
  /** From now on it wants so many tasks beyond its workers. */
  onPrefetch(tasks: number): void;
  /** These had better run elsewhere. */
  onGivenBack(tasks: readonly PilotTask[]): void;
  /** Something happened to its tasks. */
  onChange?(): void;
  /** A worker is there, or failed to be. */
  onWorker(): void;
  /** There will be no workers. */
  onHopeless(error: SluiceError): void;
}

const LONGEST_BATCH = 256;
/** What a task costs its process beside the user's code: reading, running, answering. */
const OVERHEAD_MS = 0.03;

let pools = 0;

/** The tasks of a manager and the worker processes that run them: does what the {@link Dispatcher} says. */
export class TaskDesk {
  readonly #options: TaskDeskOptions;
  readonly #codes = new Map<number, { readonly bytes: Uint8Array; readonly app: AppCode }>();
  readonly #dispatcher: Dispatcher;
  readonly #pool: WorkerPool;
  readonly #memory: MemoryWatch | undefined;
  readonly #stops: TaskStops;
  readonly #prefetch: Prefetch;
  readonly #groups: ProcessGroups = createProcessGroups();
  /** Numbers of the code that each worker has. */
  readonly #given: Set<number>[];
  /** How the last process of a worker ended. */
  readonly #endings = new Map<number, { readonly ending: WorkerEnding; readonly reason: unknown }>();
  readonly #poolMark: string;
  #launches = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: TaskDeskOptions) {
    this.#options = options;
    const count = options.plan.workers.length;
    this.#prefetch = new Prefetch(count, options.prefetch);
    this.#given = Array.from({ length: count }, () => new Set());
    this.#dispatcher = new Dispatcher({
      workers: count,
      pace: new Pace({ longestBatch: LONGEST_BATCH, overheadMs: OVERHEAD_MS }),
    });
    pools += 1;
    this.#poolMark = `${workerMark()}-${pools}`;
    this.#pool = this.#createPool(count);
    this.#memory = options.enforceMemory ? this.#createMemoryWatch() : undefined;
    this.#stops = new TaskStops({
      codeOf: (code) => this.#appOf(code),
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
    for (const rank of this.#given.keys()) this.#pool.start(rank);
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
    this.#codes.set(code, { bytes, app: decode(bytes) as AppCode });
  }

  /** @param environments variables of single tasks, by key */
  add(tasks: readonly PilotTask[], environments?: ReadonlyMap<number, Readonly<Record<string, string>>>): void {
    const held: HeldTask[] = [];
    for (const task of tasks) {
      const refusal = this.#refusalOf(task);
      if (refusal === undefined) held.push(this.#hold(task, environments?.get(task.key)));
      else this.#fail(task, refusal);
    }
    if (held.length > 0) this.#handle({ kind: 'tasks', tasks: held });
  }

  cancel(keys: readonly number[]): void {
    this.#handle({ kind: 'cancel', keys });
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
      launch: (rank) => this.#launchOf(rank),
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
        if (held !== undefined) this.#pool.kill(rank, memoryExceeded(this.#casualtyOf(held), use));
      },
    });
  }

  #memoryLimitMiB(held: HeldTask | undefined): number | undefined {
    if (held === undefined) return undefined;
    const ofShare = this.#options.plan.memoryLimitMiB;
    return held.task.needs?.memoryMiB ?? (ofShare === undefined ? undefined : ofShare * held.slots);
  }

  #launchOf(rank: number) {
    const { environment, plan, id, blockId, workerMain, logFolder } = this.#options;
    const own = plan.workers[rank] as NodePlan['workers'][number];
    this.#launches += 1;
    const marks = { SLUICE_WORKER: workerMark(), SLUICE_WORKER_PROCESS: `${this.#poolMark}-${this.#launches}` };
    const place = placeVariables({ rank, count: plan.workers.length, poolId: id, blockId });
    return {
      main: workerMain,
      environment: { ...environment, ...place, ...shareVariables(own), ...marks },
      marks,
      ...(own.cores !== undefined && { cores: own.cores }),
      ...(logFolder !== undefined && { logFile: join(logFolder, `${id}-worker-${rank}.log`) }),
    };
  }

  #ready(rank: number, pid: number): void {
    this.#given[rank]?.clear();
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
        this.#groups.follow(`${this.#poolMark}-${worker}`, report);
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
    this.#groups.endAllOf(`${this.#poolMark}-${worker}`);
    this.#memory?.remove(worker);
    this.#endings.set(worker, { ending, reason });
    const running = this.#dispatcher.runningOn(worker);
    if (running !== undefined) this.#stops.over(running);
    this.#handle({ kind: 'gone', worker, claimed: ending.claimed });
    this.#endings.delete(worker);
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
        this.#blame(command.held, command.worker);
        return;
      case 'lost':
        this.#fail(command.held.task, neighbourLost(this.#casualtyOf(command.held)));
        return;
    }
  }

  #run({ worker, tasks, slots }: DispatchCommand & { kind: 'run' }): void {
    const given = this.#given[worker] as Set<number>;
    for (const { task } of tasks) {
      if (given.has(task.code)) continue;
      given.add(task.code);
      const bytes = this.#codes.get(task.code)?.bytes as Uint8Array;
      this.#pool.send(worker, { kind: 'code', code: task.code, bytes });
    }
    const { sequence: first } = tasks[0] as HeldTask;
    const grant = this.#grantOf(slots, tasks[0]?.variables);
    this.#pool.send(worker, { kind: 'run', first, tasks: tasks.map(({ task }) => task), ...(grant && { grant }) });
    // Looking costs a few milliseconds each time.
    if (this.#memoryLimitMiB(tasks[0]) !== undefined) this.#memory?.begin(worker);
  }

  #grantOf(slots: readonly number[], own: HeldTask['variables']): SlotsGrant | undefined {
    if (slots.length === 1) return own && { variables: own };
    const shares = slots.map((rank) => this.#options.plan.workers[rank] as NodePlan['workers'][number]);
    const accelerators = shares.flatMap((share) => share.accelerators);
    if (shares.some((share) => share.cores === undefined))
      return { variables: { ...shareVariables({ accelerators }), ...own } };
    const cores = shares.flatMap((share) => share.cores ?? []);
    return { variables: { ...shareVariables({ cores, accelerators }), ...own }, cores: cores.join(',') };
  }

  #hold(task: PilotTask, variables: HeldTask['variables']): HeldTask {
    const { needs, parts, code } = task;
    const slots = slotsFor(needs, this.#options.plan.share);
    const isPlain = needs?.walltimeMs === undefined && needs?.memoryMiB === undefined && parts.length === 1;
    const mayShare = isPlain && slots === 1 && variables === undefined && this.#appOf(code).kind === 'function';
    return { task, slots, mayShare, variables, isCancelled: false, expectedMs: 0, sequence: 0, worker: -1 };
  }

  #refusalOf({ code, needs, parts }: PilotTask): SluiceError | undefined {
    if (!this.#codes.has(code)) {
      return new SluiceError('PROTOCOL', `task ${taskIdOf(parts)} came before the code of its app (number ${code})`);
    }
    const { workers, share } = this.#options.plan;
    if (slotsFor(needs, share) <= workers.length) return undefined;
    const { walltimeMs, near, ...wanted } = needs ?? {};
    return new SluiceError(
      'RESOURCES_NOT_HONOURED',
      `task ${taskIdOf(parts)} '${this.#appOf(code).name}' asks for ${JSON.stringify(wanted)}, more than ` +
        `${workers.length} times ${JSON.stringify(share)}, which is all this node has`,
    );
  }

  #blame(held: HeldTask, worker: number): void {
    const { ending, reason } = this.#endings.get(worker) as { ending: WorkerEnding; reason: unknown };
    this.#fail(held.task, reason ?? workerFailure(ending, this.#casualtyOf(held)));
  }

  #fail(task: PilotTask, error: unknown): void {
    const parts = [encodeError(error, { app: this.#codes.get(task.code)?.app.name ?? '' })];
    this.#options.onResults([{ key: task.key, kind: 'failure', parts }]);
  }

  #casualtyOf({ task }: HeldTask): Casualty {
    return { taskId: taskIdOf(task.parts), app: this.#appOf(task.code).name };
  }

  #appOf(code: number): AppCode {
    return this.#codes.get(code)?.app as AppCode;
  }
}
