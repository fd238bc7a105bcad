import { InputLostError, messageOf } from '../../errors.js';
import { KnownValue, slotValue } from '../dependency.js';
import type { TaskRecord, Template } from '../task-record.js';
import type { TaskRequest } from '../task-request.js';
import type { TemporaryFile } from './temporary-file.js';

/** So often a task is run again for files that were lost or freed, at most. */
export const MOST_RECOVERIES = 10;

/** What it takes to run a task again. */
export interface Recipe {
  readonly request: TaskRequest;
  /** The call, with the values that its futures had: no future is held by it, and no file. */
  readonly call: Template;
  /** By the URLs that the task reads them as. */
  readonly inputs: ReadonlyMap<string, TemporaryFile>;
  /** What makes those of its inputs that are `temp:` files; a file of theirs may be freed meanwhile. */
  readonly makers: ReadonlySet<Production>;
}

/** A task that makes `temp:` files, for as long as these, or files made of them, may have to be made again. */
export class Production {
  readonly taskId: number;
  readonly appName: string;
  readonly files: readonly TemporaryFile[];
  /** Present once it has ended well, and until nothing can depend on it any more. */
  recipe: Recipe | undefined = undefined;
  /** Recipes whose inputs are files of this one. */
  dependents = 0;
  /** How often it was run again. */
  recoveries = 0;
  /** A run of it that is under way. */
  recovery: Promise<void> | undefined = undefined;

  constructor({ taskId, request }: TaskRecord, files: readonly TemporaryFile[]) {
    this.taskId = taskId;
    this.appName = request.appName;
    this.files = files;
  }

  /** Whether it is the one that makes one of its files; another call in the body of a join may have become that. */
  get isMaker(): boolean {
    return this.files.some(({ maker }) => maker === this);
  }

  /** Whether nobody can want one of its files any more, nor anything that is made of them. */
  get isOver(): boolean {
    return (
      this.dependents === 0 &&
      this.recovery === undefined &&
      this.files.every((file) => file.maker !== this || !file.isWanted)
    );
  }
}

/** Forgets how to make what nobody can want any more, and then what that was made of. */
export function forget(production: Production): void {
  const over = [production];
  for (let one = over.pop(); one !== undefined; one = over.pop()) {
    if (one.recipe === undefined || !one.isOver) continue;
    const { makers } = one.recipe;
    one.recipe = undefined;
    for (const maker of makers) {
      maker.dependents -= 1;
      over.push(maker);
    }
  }
}

/** The recipe of a task whose dependencies are all done. */
export function recipeOf({ request, call }: TaskRecord, inputs: ReadonlyMap<string, TemporaryFile>): Recipe {
  const { signal: _, ...again } = request;
  const dependencies = call.dependencies.map((dependency) => new KnownValue(slotValue(dependency)));
  const makers = new Set([...inputs.values()].flatMap(({ maker }) => maker ?? []));
  return { request: again, call: { ...call, dependencies }, inputs, makers };
}

/** The error of who needs a file that cannot be made again: class `usage`, since trying it again would change nothing. */
export function notMadeAgain(file: TemporaryFile, why: string, cause?: unknown): InputLostError {
  const because = cause === undefined ? '' : `: ${messageOf(cause)}`;
  return new InputLostError([file.url], `${file.url} was lost, and ${why}${because}`, {
    class: 'usage',
    ...(cause !== undefined && { cause }),
  });
}
