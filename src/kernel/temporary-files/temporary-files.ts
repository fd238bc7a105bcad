import type { DataFile } from '../../data/data-file.js';
import { isTemporary } from '../../data/temporary-name.js';
import { InputLostError, SluiceError } from '../../errors.js';
import type { Executor } from '../../executors/executor.js';
import type { AppFuture } from '../app-future.js';
import type { KernelParts } from '../kernel-parts.js';
import { isFinal } from '../task.js';
import type { TaskRecord, Template } from '../task-record.js';
import type { TaskRequest } from '../task-request.js';
import { type Claim, Claims, refuseGone } from './claims.js';
import { Disposal } from './disposal.js';
import { forget, Production, type Recipe, recipeOf } from './production.js';
import { Reachability } from './reachability.js';
import { Recoveries, type Rerun } from './recoveries.js';
import { TaskFiles } from './task-files.js';
import type { Place, TemporaryFile } from './temporary-file.js';

/**
 * The `temp:` files of a run: where each is, who reads it, and what makes it again when it is lost. A file is freed when no
 * task that has not ended reads it and the client has nothing left by which to ask for it; how it is made is remembered for
 * as long as files that were made of it may be lost.
 */
export class TemporaryFiles {
  readonly #parts: KernelParts;
  readonly #reachability = new Reachability((file) => this.#freeUnlessWanted(file));
  readonly #claims = new Claims(this.#reachability);
  readonly #disposal: Disposal;
  readonly #recoveries: Recoveries;

  constructor(parts: KernelParts, rerun: Rerun) {
    this.#parts = parts;
    this.#disposal = new Disposal(parts.temporary, parts);
    this.#recoveries = new Recoveries(parts.temporary, rerun);
  }

  /**
   * What a call reads and makes; `undefined` when it has to do with none. Notes nothing yet.
   *
   * @param join whose body makes the call
   * @throws {SluiceError} `NOT_FOUND` for a file that nobody makes, or that is gone; `INVALID_OPTIONS` for a name that is
   *   none or that another task has
   */
  claim(request: TaskRequest, call: Template, join: TaskRecord | undefined): Claim | undefined {
    return this.#claims.of(request, call, join);
  }

  /** Takes the call, whose task has a record now. */
  take(record: TaskRecord, { inputs, outputs }: Claim, join: TaskRecord | undefined): void {
    const named = inputs.map((file) => [file.url, file] as const);
    const files = new TaskFiles(named, outputs);
    const isJoin = record.request.work.kind === 'join';
    if (!isJoin && outputs.length > 0) files.production = new Production(record, outputs);
    for (const file of outputs) {
      const { maker } = file;
      this.#claims.names.add(file, join);
      file.pending = record.future;
      if (isJoin) file.bodies = [...file.bodies, record.taskId];
      else file.maker = files.production;
      if (maker !== undefined) forget(maker);
      this.#reachability.hold(record.future, file);
    }
    this.#attach(record, files);
  }

  /** The task reads a file as one of another URL, from which it was staged. */
  readAs(record: TaskRecord, url: string, file: TemporaryFile): void {
    record.rare ??= {};
    record.rare.temporary ??= new TaskFiles([], []);
    record.rare.temporary.inputs.set(url, file);
    file.readers += 1;
  }

  /** A file that a call has declared, which its future stands for. */
  fileOf(future: AppFuture<unknown>, url: string): TemporaryFile {
    return this.#claims.fileOf(future, url, future.appName);
  }

  /** Takes a task that runs again what has run before; it has a record, and is not launched. */
  takeAgain(record: TaskRecord, production: Production): void {
    this.#attach(record, new TaskFiles(production.recipe?.inputs ?? [], production.files, production));
  }

  /** Before an attempt: `undefined` when its files are there, else resolves when they are. Rejects as {@link Recoveries} does. */
  prepare(record: TaskRecord, executor: Executor): Promise<unknown> | undefined {
    try {
      for (const file of this.#claims.insideValues(record)) this.#holdInput(record, file);
    } catch (error) {
      return Promise.reject(error);
    }
    const files = record.rare?.temporary;
    if (files === undefined) return undefined;
    files.executor = executor;
    const waits = [...files.inputs.values()].flatMap((file) => this.#recoveries.ensure(file, executor) ?? []);
    return waits.length === 0 ? undefined : Promise.all(waits);
  }

  /**
   * Where an attempt's files are, for its envelope; `undefined` for those that have none.
   *
   * @throws {InputLostError} when one was lost since it was prepared
   */
  relayedFor(record: TaskRecord, attempt: number): Readonly<Record<string, string>> | undefined {
    const files = record.rare?.temporary;
    if (files === undefined) return undefined;
    const given: Record<string, string> = {};
    for (const [url, { place }] of files.inputs) {
      if (place.kind !== 'kept') throw new InputLostError([url], `${url} was lost before it was read`);
      given[url] = place.home;
    }
    const { taskId } = record;
    if (files.givesHomes) {
      for (const { url } of files.outputs) given[url] = this.#parts.temporary.placeFor(url, { taskId, attempt });
    }
    files.given = given;
    return given;
  }

  /** An attempt has ended well. @throws {SluiceError} `FILE_NOT_REACHABLE` when nobody says where its files are */
  made(record: TaskRecord, kept: Readonly<Record<string, string>> = {}): void {
    const files = record.rare?.temporary;
    if (files === undefined || isFinal(record.task.state)) return;
    const { executor, given, outputs } = files;
    const keeper = executor?.capabilities.keepsTemporary === true ? executor.label : undefined;
    const places = outputs.map((file) => ({ file, home: kept[file.url] ?? given[file.url] }));
    for (const { file, home } of places) {
      if (home === undefined) throw keptNowhere(file, record, executor);
      const isItsOwn = kept[file.url] !== undefined;
      const place: Place = { kind: 'kept', home, keeper: isItsOwn ? keeper : undefined };
      // The body of a join has been repeated: the file is another task's now.
      if (file.maker === files.production) this.#move(file, place);
      else this.#disposal.add(place);
    }
  }

  /** An attempt has failed: what it read may be lost, and what it wrote goes. */
  failed(record: TaskRecord, error: unknown): void {
    const files = record.rare?.temporary;
    if (files === undefined) return;
    if (error instanceof SluiceError && error.code === 'INPUT_LOST') {
      const urls = error instanceof InputLostError ? error.urls : [...files.inputs.keys()];
      for (const url of urls) {
        const file = files.inputs.get(url);
        // Where it was found lost, it may have been made again elsewhere since.
        if (file?.place.kind === 'kept' && file.place.home === files.given[url]) file.place = { kind: 'lost' };
      }
    }
    this.#dropGiven(files);
  }

  /** The task has ended: its call and its dependencies are still there. */
  ended(record: TaskRecord): void {
    const { future, task, rare } = record;
    const files = rare?.temporary;
    if (files === undefined) return;
    const { production } = files;
    const inputs = new Map(files.inputs);
    if (task.state.kind !== 'done') this.#dropGiven(files);
    else if (production?.isMaker === true && !files.isRecovery) this.#remember(production, record, inputs);
    for (const file of files.outputs) if (file.pending === future) file.pending = undefined;
    for (const file of inputs.values()) file.readers -= 1;
    for (const file of [...inputs.values(), ...files.outputs]) this.#freeUnlessWanted(file);
  }

  /** A value that names files has come to a future, or a file of it to the user: by these they can be asked for. */
  holdBy(holder: object, urls: readonly string[]): void {
    for (const url of urls) {
      const file = isTemporary(url) ? this.#claims.names.find(url) : undefined;
      if (file !== undefined) this.#reachability.hold(holder, file);
    }
  }

  /** For `decode`: a file has come to the user. */
  readonly onFile = (file: DataFile): void => this.holdBy(file, [file.url]);

  /** The user needs the file no more, though its futures may stay. */
  release(future: AppFuture<unknown>, url: string): void {
    const file = this.#reachability.fileOf(future, url);
    if (file === undefined) return;
    file.isReleased = true;
    this.#freeUnlessWanted(file);
  }

  /** Executors have been closed: whatever is left goes. */
  async close(): Promise<void> {
    this.#disposal.close();
    await this.#parts.temporary.close();
  }

  #attach(record: TaskRecord, files: TaskFiles): void {
    record.rare ??= {};
    record.rare.temporary = files;
    for (const file of files.inputs.values()) file.readers += 1;
  }

  #holdInput(record: TaskRecord, file: TemporaryFile): void {
    if (record.rare?.temporary?.inputs.has(file.url) === true) return;
    refuseGone(file, record.request.appName);
    this.readAs(record, file.url, file);
  }

  #remember(production: Production, record: TaskRecord, inputs: Recipe['inputs']): void {
    production.recipe = recipeOf(record, inputs);
    for (const maker of production.recipe.makers) maker.dependents += 1;
  }

  #move(file: TemporaryFile, place: Place): void {
    this.#disposal.add(file.place);
    for (const old of file.oldHomes) this.#disposal.add(old);
    file.oldHomes = NONE;
    file.place = place;
  }

  #freeUnlessWanted(file: TemporaryFile): void {
    if (file.isWanted) return;
    if (file.place.kind === 'kept' || file.place.kind === 'lost') this.#move(file, { kind: 'freed' });
    if (file.maker !== undefined) forget(file.maker);
  }

  #dropGiven({ outputs, given }: TaskFiles): void {
    for (const { url, place } of outputs) {
      const home = given[url];
      const isItsHome = place.kind === 'kept' && place.home === home;
      if (home !== undefined && !isItsHome) this.#disposal.add({ kind: 'kept', home, keeper: undefined });
    }
  }
}

const NONE: readonly never[] = [];

function keptNowhere(
  { url }: TemporaryFile,
  { taskId, request }: TaskRecord,
  executor: Executor | undefined,
): SluiceError {
  return new SluiceError(
    'FILE_NOT_REACHABLE',
    `task ${taskId} '${request.appName}' has made ${url}, and executor '${executor?.label}' does not say where it is`,
  );
}
