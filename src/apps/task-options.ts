import * as z from 'zod';
import { DataFile, type FileLike } from '../data/data-file.js';
import type { DataFlowKernel } from '../kernel/dataflow-kernel.js';
import type { StreamTarget, TaskRequest } from '../kernel/task-request.js';
import { parseOptions } from '../parse-options.js';
import type { Resources } from '../wire/task-envelope.js';
import type { Deferred, InputFile } from './deferred.js';
import { isStreamTarget, resolveStreams } from './stream-options.js';

/** What can be a command's standard input. */
export type StdinValue = string | Uint8Array | DataFile;

/** Options of one call: what an app with Io takes in Io's place, and any app takes by `.with({ … })`. */
export interface TaskOptions<O extends readonly FileLike[] = readonly FileLike[]> {
  /** Files the task reads, or futures of them; on the worker `io.inputs`, each with its local path. */
  readonly inputs?: readonly InputFile[];
  /** Files the task makes. It writes `io.outputs[i].path`; staging puts each where it belongs. */
  readonly outputs?: O;
  /**
   * What the command of a bash app reads from standard input: text, bytes, a file, or the future of one of these, so that
   * small values need no file. Default: nothing.
   */
  readonly stdin?: Deferred<StdinValue>;
  /**
   * Where standard output goes: a file, or `AUTO` for one in the run directory. What the file held is replaced, by the
   * last attempt's output; `{ file, append: true }` adds to it as the task writes, every attempt in turn, and is for
   * files of this machine on executors that share its disk.
   *
   * Of a command it is all that it and its children write. Of a function it is what its code writes by `console` and
   * `process.stdout`, not what a process it starts writes to an inherited stream; without this option such output goes
   * where the worker's does. What was written is brought here also when the task fails, unless its worker was ended with
   * it, as for code that never yields until its walltime: appended output is there even then. A command's output is
   * dropped without this option.
   */
  readonly stdout?: StreamTarget;
  /** The same for standard error. Both may go to one file. */
  readonly stderr?: StreamTarget;
  /** Time the attempt may take on its worker, in milliseconds; longer is `WALLTIME`. At most 24 days. Default: no limit but the worker's. */
  readonly walltimeMs?: number;
  /** What the task asks of its worker; a key no executor honours is `RESOURCES_NOT_HONOURED`. */
  readonly resources?: Resources;
  /** Lower runs sooner, where the executor has a queue of its own. Default: 0. */
  readonly priority?: number;
  /** Added to the name of AUTO log files. */
  readonly label?: string;
  /** Cancels the task when it aborts; the call gives a cancelled future if it has aborted already. */
  readonly signal?: AbortSignal;
}

/** Options of an app: for every call of it. */
export interface AppOptions {
  /** Shown in errors, logs and reports. Default: the function's name. */
  readonly name?: string;
  /** Labels of the executors it may run on. Default: all. */
  readonly executors?: readonly string[];
  /** The kernel its calls go to. Default: the one that `load` made. */
  readonly kernel?: DataFlowKernel;
  /** Attempts repeated after a failure of the function's own. Default: the kernel's `retries`. */
  readonly retries?: number;
  /** As in {@link TaskOptions}; a call's own option wins. */
  readonly walltimeMs?: number;
  readonly resources?: Resources;
  readonly priority?: number;
}

// Node's timers hold 2^31 - 1 ms at most, and fire at once when given more.
const LONGEST_WALLTIME_MS = 24 * 24 * 60 * 60_000;
const positive = z.number().positive();
const resources = z.strictObject({
  cores: positive.exactOptional(),
  memoryMiB: positive.exactOptional(),
  accelerators: z.int().positive().exactOptional(),
  nodes: z.int().positive().exactOptional(),
  ranks: z.int().positive().exactOptional(),
  ranksPerNode: z.int().positive().exactOptional(),
  launcherOptions: z.string().min(1).exactOptional(),
});
const shared = {
  walltimeMs: positive.max(LONGEST_WALLTIME_MS).exactOptional(),
  resources: resources.exactOptional(),
  priority: z.number().exactOptional(),
};
const isFileLike = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || value instanceof URL || value instanceof DataFile;
const isFuture = (value: unknown): boolean =>
  typeof (value as Partial<PromiseLike<unknown>> | null)?.then === 'function';
const isInput = (value: unknown): boolean => isFileLike(value) || isFuture(value);
const fileLike = z.custom<FileLike>(isFileLike, 'expected a URL, a path or a DataFile');
const input = z.custom<InputFile>(isInput, 'expected a URL, a path, a DataFile or the future of one');
const stdin = z.custom<unknown>(
  (value) => typeof value === 'string' || value instanceof Uint8Array || value instanceof DataFile || isFuture(value),
  'expected text, bytes, a DataFile (file(…)), or the future of one of these',
);
const stream = z.custom<StreamTarget>(
  (value) => isStreamTarget(value, isFileLike),
  'expected a URL, a path, a DataFile, AUTO, or one of these as { file, append }',
);

const taskSchema = z.strictObject({
  inputs: z.array(input).readonly().exactOptional(),
  outputs: z.array(fileLike).readonly().exactOptional(),
  stdin: stdin.exactOptional(),
  stdout: stream.exactOptional(),
  stderr: stream.exactOptional(),
  label: z.string().exactOptional(),
  signal: z.instanceof(AbortSignal).exactOptional(),
  ...shared,
});
const appSchema = z.strictObject({
  name: z.string().min(1).exactOptional(),
  executors: z.array(z.string().min(1)).min(1).readonly().exactOptional(),
  kernel: z.custom<DataFlowKernel>((value) => typeof value === 'object' && value !== null).exactOptional(),
  io: z.boolean().exactOptional(),
  retries: z.number().nonnegative().exactOptional(),
  setup: z.custom<() => unknown>((value) => typeof value === 'function', 'expected a function').exactOptional(),
  ...shared,
});
const bashSchema = appSchema.extend({ returns: z.enum(['exitCode', 'text', 'bytes', 'json']).exactOptional() });
// The body of a join runs in the client: nothing places it.
const joinSchema = appSchema.pick({ name: true, kernel: true, retries: true });

const SCHEMAS = { function: appSchema, bash: bashSchema, join: joinSchema };

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function checkAppOptions(
  options: object,
  appName: string,
  kind: 'function' | 'bash' | 'join' = 'function',
): void {
  parseOptions(SCHEMAS[kind], options, `options of app '${appName}'`);
}

/** The part of a {@link TaskRequest} that a call's options decide. @throws {SluiceError} `INVALID_OPTIONS` */
export function resolveTaskOptions(options: TaskOptions, appName: string): ResolvedTaskOptions {
  parseOptions(taskSchema, options, `options of a call of app '${appName}'`);
  const { inputs = [], outputs = [], stdout, stderr, ...rest } = options;
  return {
    ...rest,
    ...((stdout !== undefined || stderr !== undefined) && resolveStreams({ stdout, stderr }, appName)),
    inputs: inputs.map((file) => (isFuture(file) ? file : new DataFile(file as FileLike))),
    outputs: outputs.map((file) => new DataFile(file).url),
  };
}

/** What {@link resolveTaskOptions} makes of a call's options. */
export type ResolvedTaskOptions = Pick<TaskRequest, 'outputs'> & {
  /** Files, and futures of files. */
  readonly inputs: readonly unknown[];
  readonly stdin?: unknown;
} & Partial<
    Pick<TaskRequest, 'stdout' | 'stderr' | 'appends' | 'walltimeMs' | 'resources' | 'priority' | 'label' | 'signal'>
  >;

/** A call without options. */
export const NO_TASK_OPTIONS: ResolvedTaskOptions = { inputs: [], outputs: [] };
