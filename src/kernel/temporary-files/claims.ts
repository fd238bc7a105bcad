import { isTemporary } from '../../data/temporary-name.js';
import { SluiceError } from '../../errors.js';
import type { AppFuture } from '../app-future.js';
import { DataFuture } from '../data-future.js';
import { type Dependency, taskOf } from '../dependency.js';
import type { TaskRecord, Template } from '../task-record.js';
import type { TaskRequest } from '../task-request.js';
import { Declarations } from './declarations.js';
import type { Reachability } from './reachability.js';
import type { TemporaryFile } from './temporary-file.js';

/** The `temp:` files of a call that was looked at and not yet taken. */
export interface Claim {
  /** The call, which waits for tasks whose files it reads by their bare names, too. */
  readonly call: Template;
  readonly inputs: readonly TemporaryFile[];
  readonly outputs: readonly TemporaryFile[];
}

/** Finds out which `temp:` files calls are about, and refuses those that can never work. */
export class Claims {
  readonly names: Declarations = new Declarations();
  readonly #reachability: Reachability;

  constructor(reachability: Reachability) {
    this.#reachability = reachability;
  }

  /** As the kernel's `temp:` files promise it. */
  of(request: TaskRequest, call: Template, join: TaskRecord | undefined): Claim | undefined {
    const { appName } = request;
    const futures = call.dependencies.flatMap((dependency) => this.#fileOf(dependency, appName) ?? []);
    const named = call.files.filter(isTemporary).map((url) => this.names.get(url, appName));
    const inputs = [...new Set([...futures, ...named])];
    for (const file of inputs) refuseGone(file, appName);
    for (const file of named) refuseUnmade(file, appName, join);
    const outputs = this.names.outputsOf(request, join);
    if (inputs.length === 0 && outputs.length === 0) return undefined;
    return { call: waitingFor(call, named), inputs, outputs };
  }

  /**
   * Those that no future of a file stands for, once its dependencies are done: they are inside the value of a task, or of a
   * promise. @throws {SluiceError} `NOT_FOUND` for one that nobody makes
   */
  insideValues({ call, request }: TaskRecord): readonly TemporaryFile[] {
    return call.dependencies.flatMap((dependency) => {
      if (dependency instanceof DataFuture) return [];
      const { settlement } = taskOf(dependency);
      if (settlement?.kind !== 'value' || settlement.value.files.length === 0) return [];
      return settlement.value.files.filter(isTemporary).map((url) => this.names.get(url, request.appName));
    });
  }

  /** The file that a future of a call, or what is named after it, stands for. @throws {SluiceError} `NOT_FOUND` */
  fileOf(future: AppFuture<unknown>, url: string, appName: string): TemporaryFile {
    return this.#reachability.fileOf(future, url) ?? this.names.get(url, appName);
  }

  #fileOf(dependency: Dependency, appName: string): TemporaryFile | undefined {
    if (!(dependency instanceof DataFuture) || !isTemporary(dependency.url)) return undefined;
    return this.fileOf(dependency.parent, dependency.url, appName);
  }
}

// A file that is read by its name is waited for as by its future.
function waitingFor(call: Template, named: readonly TemporaryFile[]): Template {
  const futures = named.flatMap(({ pending, url }) => (pending === undefined ? [] : [new DataFuture(pending, url)]));
  return futures.length === 0 ? call : { ...call, dependencies: [...call.dependencies, ...futures] };
}

/** @throws {SluiceError} `NOT_FOUND` for a file that was there and is not any more */
export function refuseGone({ isReleased, place, url }: TemporaryFile, appName: string): void {
  if (isReleased) {
    throw unreadable(url, appName, 'which was released: call release() after the last call that reads the file');
  }
  if (place.kind === 'freed') {
    throw unreadable(url, appName, 'which was freed, since no future of it was left: keep one, and pass that');
  }
}

// What a future stands for fails as that does; a name alone has nothing to wait for.
function refuseUnmade(file: TemporaryFile, appName: string, join: TaskRecord | undefined): void {
  if (file.hasFailed) throw unreadable(file.url, appName, 'and the task that was to make it has failed');
  // The join ends after what its body calls: who waits there for a file of the join would wait for ever.
  if (join === undefined || file.pending !== join.future) return;
  throw unreadable(file.url, appName, 'which this join is to make: call the app that makes it first');
}

function unreadable(url: string, appName: string, why: string): SluiceError {
  return new SluiceError('NOT_FOUND', `app '${appName}' reads ${url}, ${why}`);
}
