import { namesTemporary } from '../data/temporary-name.js';
import type { RunEvent } from '../monitoring/event.js';
import { AppFuture, type FutureOwner } from './app-future.js';
import { eligibleExecutors } from './eligible-executors.js';
import type { KernelParts } from './kernel-parts.js';
import { SeparateStaging, type StagedInput } from './separate-staging/separate-staging.js';
import { isFinal } from './task.js';
import type { TaskDriver } from './task-driver.js';
import { TaskRecord, type Template } from './task-record.js';
import type { TaskRequest } from './task-request.js';
import type { Claim } from './temporary-files/claims.js';
import type { Production, Recipe } from './temporary-files/production.js';
import type { TemporaryFile } from './temporary-files/temporary-file.js';
import { TemporaryFiles } from './temporary-files/temporary-files.js';

/** What an intake needs of its kernel. */
export interface IntakeParts {
  readonly parts: KernelParts;
  readonly owner: FutureOwner;
  readonly driver: TaskDriver;
  readonly emit: (event: RunEvent) => void;
  /** The join whose body makes the call that is being taken. */
  readonly enclosingJoin: () => TaskRecord | undefined;
}

/** Makes tasks of calls: with their numbers, their futures, and what has to be seen to for their files. */
export class Intake {
  readonly #kernel: IntakeParts;
  readonly #separate: SeparateStaging | undefined;
  #temporary: TemporaryFiles | undefined;
  #nextTaskId = 0;

  constructor(kernel: IntakeParts) {
    this.#kernel = kernel;
    const { executors, separateStaging } = kernel.parts;
    this.#separate =
      separateStaging &&
      new SeparateStaging(separateStaging, {
        take: this.#take,
        check: (request) => eligibleExecutors(executors, request),
        fileOf: (future, url) => (this.#temporary as TemporaryFiles).fileOf(future, url),
      });
  }

  /** Made when the first is declared: most runs have none. */
  get temporary(): TemporaryFiles | undefined {
    return this.#temporary;
  }

  /** Takes a call. @throws {SluiceError} as {@link TemporaryFiles.claim} and {@link SeparateStaging.submit} do */
  submit(request: TaskRequest, call: Template): AppFuture<unknown> {
    const join = this.#kernel.enclosingJoin();
    const isSeparate = this.#separate !== undefined && request.work.kind === 'remote';
    const future = isSeparate ? this.#separate.submit(request, call, join) : this.#take(request, call, NOTHING);
    if (join !== undefined) adopt(join, future);
    return future;
  }

  readonly #take = (request: TaskRequest, call: Template, staged: readonly StagedInput[]): AppFuture<unknown> => {
    const join = this.#kernel.enclosingJoin();
    const claim = this.#claim(request, call, join);
    const record = this.#newRecord(request, claim?.call ?? call, request.outputs);
    if (claim !== undefined) this.#temporary?.take(record, claim, join);
    for (const { url, file } of staged) this.#temporary?.readAs(record, url, file);
    const { future } = record;
    this.#kernel.driver.add(record);
    return future;
  };

  #claim(request: TaskRequest, call: Template, join: TaskRecord | undefined): Claim | undefined {
    if (this.#temporary === undefined) {
      if (!namesTemporary(request.outputs) && !namesTemporary(call.files)) return undefined;
      this.#temporary = new TemporaryFiles(this.#kernel.parts, this.#rerun);
    }
    return this.#temporary.claim(request, call, join);
  }

  // Nobody has a future of it: what becomes of it is told by the tasks that wait for the file.
  readonly #rerun = (production: Production, wanted: TemporaryFile): AppFuture<unknown> => {
    const { parts, emit, driver } = this.#kernel;
    const { request, call } = production.recipe as Recipe;
    const record = this.#newRecord(request, call, NOTHING);
    const { taskId, future } = record;
    this.#temporary?.takeAgain(record, production);
    future.look();
    const { taskId: of, appName: app } = production;
    emit({ kind: 'taskRecovery', atMs: parts.now(), taskId, app, of, file: wanted.url });
    driver.add(record);
    return future;
  };

  #newRecord(request: TaskRequest, call: Template, outputs: readonly string[]): TaskRecord {
    const { owner, driver, parts } = this.#kernel;
    const future = new AppFuture<unknown>(owner, this.#nextTaskId++, request.appName, outputs);
    const task = driver.rules.create({
      unresolved: call.dependencies.length,
      retries: request.retries ?? parts.retries,
      infrastructureRetries: parts.infrastructureRetries,
    });
    return new TaskRecord(request, future, call, task);
  }
}

const NOTHING: readonly never[] = [];

// What the body of a join calls goes with the join when that is cancelled.
function adopt(join: TaskRecord, future: AppFuture<unknown>): void {
  const { state } = join.task;
  if (state.kind === 'cancelled') future.cancel(state.error);
  if (isFinal(state)) return;
  join.rare ??= {};
  join.rare.children ??= [];
  join.rare.children.push(future);
}
