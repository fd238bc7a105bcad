import { checkTemporaryName, isTemporary } from '../../data/temporary-name.js';
import { SluiceError } from '../../errors.js';
import type { TaskRecord } from '../task-record.js';
import type { TaskRequest } from '../task-request.js';
import { type JoinScope, TemporaryFile } from './temporary-file.js';

/** The names of a run's `temp:` files: each is made by one task. */
export class Declarations {
  readonly #files = new Map<string, TemporaryFile>();

  find(url: string): TemporaryFile | undefined {
    return this.#files.get(url);
  }

  /** @throws {SluiceError} `NOT_FOUND` when no call has declared it */
  get(url: string, appName: string): TemporaryFile {
    const file = this.#files.get(url);
    if (file !== undefined) return file;
    throw new SluiceError(
      'NOT_FOUND',
      `app '${appName}' reads ${url}, which no task of this run makes: call the app that has it among its outputs first, and pass the future of it`,
    );
  }

  /**
   * The files that a call is to make; nothing is noted yet. Files of one name are of one task, but for what failed, and
   * for what the body of a join calls: it may make what the join is to make, and make anew what its last attempt made.
   *
   * @throws {SluiceError} `INVALID_OPTIONS` for a name that is none, or that another task has
   */
  outputsOf({ outputs, appName }: TaskRequest, join: TaskRecord | undefined): readonly TemporaryFile[] {
    const urls = outputs.filter(isTemporary);
    const repeated = urls.find((url, index) => urls.indexOf(url) !== index);
    if (repeated !== undefined) throw declaredTwice(repeated, appName, 'it is twice among the outputs of this call');
    return urls.map((url) => {
      checkTemporaryName(url);
      const known = this.#files.get(url);
      return known === undefined ? new TemporaryFile(url) : reuse(known, appName, join && scopeOf(join));
    });
  }

  add(file: TemporaryFile, join: TaskRecord | undefined): void {
    file.scope = join && scopeOf(join);
    this.#files.set(file.url, file);
  }
}

function reuse(known: TemporaryFile, appName: string, scope: JoinScope | undefined): TemporaryFile {
  const isAgain = scope === undefined || isSame(known.scope, scope);
  if (!isAgain && known.bodies.includes(scope.taskId)) return known;
  if (known.hasFailed || (!isAgain && known.scope?.taskId === scope.taskId)) return new TemporaryFile(known.url);
  const { maker, pending } = known;
  const [taskId, name] = maker === undefined ? [pending?.taskId, pending?.appName] : [maker.taskId, maker.appName];
  throw declaredTwice(known.url, appName, `task ${taskId} '${name}' makes it`);
}

function scopeOf({ taskId, task: { state } }: TaskRecord): JoinScope {
  return { taskId, attempt: 'attempt' in state ? state.attempt : 0 };
}

function isSame(a: JoinScope | undefined, b: JoinScope): boolean {
  return a?.taskId === b.taskId && a.attempt === b.attempt;
}

function declaredTwice(url: string, appName: string, why: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `app '${appName}' cannot make ${url}, since ${why}: names of temporary files are given once in a run`,
  );
}
