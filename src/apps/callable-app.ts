import { SluiceError } from '../errors.js';
import type { AppFuture } from '../kernel/app-future.js';
import { currentKernel } from '../kernel/current-kernel.js';
import type { Work } from '../kernel/task-request.js';
import {
  type AppOptions,
  NO_TASK_OPTIONS,
  type ResolvedTaskOptions,
  resolveTaskOptions,
  type TaskOptions,
} from './task-options.js';

/** What an app is, once its function has been looked at. */
export interface AppDefinition extends AppOptions {
  readonly name: string;
  readonly work: Work;
  /** Whether the position after the parameters takes the call's options. */
  readonly io: boolean;
  /** Parameters before Io. */
  readonly arity: number;
}

type Call = (...args: readonly unknown[]) => AppFuture<unknown>;

/** The callable that `app`, `bash` and `join` give: splits options from arguments and hands the call to its kernel. */
export function callableApp(definition: AppDefinition): Call & { with(options: TaskOptions): Call } {
  const call = (args: readonly unknown[], options: ResolvedTaskOptions) => submit(definition, args, options);
  const callable: Call = (...args) => {
    if (!definition.io) return call(args, NO_TASK_OPTIONS);
    return call(args.slice(0, definition.arity), optionsIn(definition, args));
  };
  const withOptions = (options: TaskOptions): Call => {
    const resolved = resolveTaskOptions(options, definition.name);
    return (...args) => call(args, resolved);
  };
  return Object.assign(callable, { with: withOptions });
}

function optionsIn(definition: AppDefinition, args: readonly unknown[]): ResolvedTaskOptions {
  if (args.length > definition.arity + 1) {
    throw new SluiceError(
      'INVALID_OPTIONS',
      `app '${definition.name}' takes ${definition.arity} argument(s) and the task's options; it was called with ${args.length}`,
    );
  }
  const options = args[definition.arity];
  if (options === undefined) return NO_TASK_OPTIONS;
  if (typeof options === 'object' && options !== null) return resolveTaskOptions(options, definition.name);
  throw new SluiceError(
    'INVALID_OPTIONS',
    `app '${definition.name}': the last parameter of its function is Io, and a call has the task's options (an object) in that place, argument ${definition.arity}; it was given ${String(options)}: add a parameter before Io, or leave that argument out`,
  );
}

function submit(definition: AppDefinition, args: readonly unknown[], options: ResolvedTaskOptions): AppFuture<unknown> {
  const kernel = definition.kernel ?? currentKernel(definition.name);
  const { walltimeMs, resources, priority } = definition;
  return kernel.submit({
    appName: definition.name,
    executors: definition.executors,
    work: definition.work,
    args,
    ...(walltimeMs !== undefined && { walltimeMs }),
    ...(resources !== undefined && { resources }),
    ...(priority !== undefined && { priority }),
    ...options,
  });
}
