import { DataFile } from '../data/data-file.js';
import { SluiceError } from '../errors.js';
import type { AppFuture } from '../kernel/app-future.js';
import { currentKernel } from '../kernel/current-kernel.js';
import type { TaskRequest, Work } from '../kernel/task-request.js';
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
  const calling = (options: ResolvedTaskOptions) => {
    const request = requestOf(definition, options);
    return (args: readonly unknown[]) => {
      refuseUselessOptions(request, options);
      const kernel = definition.kernel ?? currentKernel(definition.name);
      return kernel.submit(request, args, options.inputs, options.stdin);
    };
  };
  const callPlainly = calling(NO_TASK_OPTIONS);
  const callable: Call = (...args) => {
    if (!definition.io) return callPlainly(args);
    const options = optionsIn(definition, args);
    const call = options === NO_TASK_OPTIONS ? callPlainly : calling(options);
    return call(args.slice(0, definition.arity));
  };
  const withOptions = (options: TaskOptions): Call => {
    const call = calling(resolveTaskOptions(options, definition.name));
    return (...args) => {
      if (definition.io && args.length > definition.arity) throw tooManyArguments(definition, args, 'nothing more');
      return call(args);
    };
  };
  definitions.set(callable, definition);
  return Object.assign(callable, { with: withOptions });
}

const definitions = new WeakMap<object, AppDefinition>();

/** What an app was made of; `undefined` for any other function. */
export function definitionOf(app: object): AppDefinition | undefined {
  return definitions.get(app);
}

function optionsIn(definition: AppDefinition, args: readonly unknown[]): ResolvedTaskOptions {
  if (args.length > definition.arity + 1) throw tooManyArguments(definition, args, "the task's options");
  const options = args[definition.arity];
  if (options === undefined) return NO_TASK_OPTIONS;
  if (isPlainObject(options)) return resolveTaskOptions(options, definition.name);
  throw new SluiceError(
    'INVALID_OPTIONS',
    `app '${definition.name}': the last parameter of its function is Io, and a call has the task's options (an object) in that place, argument ${definition.arity}; it was given ${describe(options)}: add a parameter before Io, or leave that argument out`,
  );
}

function tooManyArguments({ name, arity }: AppDefinition, args: readonly unknown[], then: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `app '${name}' takes ${arity} argument(s) and ${then}; it was called with ${args.length}`,
  );
}

/** Options that would do nothing for a join: what places a task. */
const USELESS_TO_JOINS: readonly (keyof TaskRequest)[] = ['stdout', 'stderr', 'walltimeMs', 'resources', 'priority'];

function refuseUselessOptions(request: TaskRequest, { stdin }: ResolvedTaskOptions): void {
  const { appName: name, work } = request;
  if (stdin !== undefined && !(work.kind === 'remote' && work.code.kind === 'bash')) throw noStdin(name);
  if (work.kind === 'remote' && work.code.returns !== undefined) refuseMixedStreams(request);
  if (work.kind !== 'join') return;
  const useless = USELESS_TO_JOINS.filter((key) => request[key] !== undefined);
  if (useless.length === 0) return;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `app '${name}' has no use for ${useless.join(', ')}: its body runs in the client; give them to the apps it calls`,
  );
}

function noStdin(name: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `app '${name}' has no use for stdin: it starts no command; give it the value as an argument`,
  );
}

// Its value is what the command writes to standard output, and nothing else.
function refuseMixedStreams({ appName, stdout, stderr, appends }: TaskRequest): void {
  if (appends?.includes('stdout') === true) throw mixed(appName, 'be appended to a file as well');
  if (stdout === undefined || stderr === undefined || stdout === 'AUTO' || stderr === 'AUTO') return;
  if (new DataFile(stdout).url === new DataFile(stderr).url) throw mixed(appName, 'share a file with standard error');
}

function mixed(appName: string, how: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `bash app '${appName}' returns its standard output, which cannot ${how}: name a file of its own, or none`,
  );
}

function isPlainObject(value: unknown): value is TaskOptions {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  return `an object of class ${value.constructor.name}`;
}

function requestOf(definition: AppDefinition, { inputs: _, stdin: __, ...options }: ResolvedTaskOptions): TaskRequest {
  const { name: appName, executors, work, retries, walltimeMs, resources, priority } = definition;
  return {
    appName,
    executors,
    work,
    ...(retries !== undefined && { retries }),
    ...(walltimeMs !== undefined && { walltimeMs }),
    ...(resources !== undefined && { resources }),
    ...(priority !== undefined && { priority }),
    ...options,
  };
}
