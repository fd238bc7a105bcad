import { z } from 'zod';
import { DataFile, type FileLike } from '../data/data-file.js';
import { SluiceError } from '../errors.js';
import { AppFuture } from '../kernel/app-future.js';
import { DataFuture } from '../kernel/data-future.js';
import type { DataFlowKernel } from '../kernel/dataflow-kernel.js';
import type { LogTarget, TaskRequest } from '../kernel/task-request.js';
import type { Resources } from '../wire/task-envelope.js';
import type { InputFile } from './deferred.js';

/** Options of one call: what an app with Io takes in Io's place, and any app takes by `.with({ … })`. */
export interface TaskOptions<O extends readonly FileLike[] = readonly FileLike[]> {
  /** Files the task reads, or futures of them; on the worker `io.inputs`, each with its local path. */
  readonly inputs?: readonly InputFile[];
  /** Files the task makes. It writes `io.outputs[i].path`; staging puts each where it belongs. */
  readonly outputs?: O;
  /** Where the command's standard output goes (bash apps): a file, or `AUTO` for one in the run directory. */
  readonly stdout?: LogTarget;
  /** The same for standard error. */
  readonly stderr?: LogTarget;
  /** Time the attempt may take on its worker, in milliseconds; longer is `WALLTIME`. At most 24 days. Default: no limit but the worker's. */
  readonly walltimeMs?: number;
  /** What the task asks of its worker; a key no executor honours is `RESOURCES_NOT_HONOURED`. */
  readonly resources?: Resources;
  /** Lower runs sooner, where the executor has a queue of its own. Default: 0. */
  readonly priority?: number;
  /** Added to the name of AUTO log files. */
  readonly label?: string;
}

/** Options of an app: for every call of it. */
export interface AppOptions {
  /** Shown in errors, logs and reports. Default: the function's name. */
  readonly name?: string;
  /** Labels of the executors it may run on. Default: all. */
  readonly executors?: readonly string[];
  /** The kernel its calls go to. Default: the one that `load` made. */
  readonly kernel?: DataFlowKernel;
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
});
const shared = {
  walltimeMs: positive.max(LONGEST_WALLTIME_MS).exactOptional(),
  resources: resources.exactOptional(),
  priority: z.number().exactOptional(),
};
const isFileLike = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || value instanceof URL || value instanceof DataFile;
const isInput = (value: unknown): boolean =>
  isFileLike(value) || value instanceof DataFuture || value instanceof AppFuture;
const fileLike = z.custom<FileLike>(isFileLike, 'expected a URL, a path or a DataFile');
const input = z.custom<InputFile>(isInput, 'expected a URL, a path, a DataFile or the future of one');

const taskSchema = z.strictObject({
  inputs: z.array(input).readonly().exactOptional(),
  outputs: z.array(fileLike).readonly().exactOptional(),
  stdout: fileLike.exactOptional(),
  stderr: fileLike.exactOptional(),
  label: z.string().exactOptional(),
  ...shared,
});
const appSchema = z.strictObject({
  name: z.string().min(1).exactOptional(),
  executors: z.array(z.string().min(1)).min(1).readonly().exactOptional(),
  kernel: z.custom<DataFlowKernel>((value) => typeof value === 'object' && value !== null).exactOptional(),
  io: z.boolean().exactOptional(),
  ...shared,
});
// The body of a join runs in the client: nothing places it.
const joinSchema = appSchema.pick({ name: true, kernel: true });

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function checkAppOptions(options: object, appName: string, kind: 'shipped' | 'join' = 'shipped'): void {
  check(kind === 'join' ? joinSchema : appSchema, options, `options of app '${appName}'`);
}

/** The part of a {@link TaskRequest} that a call's options decide. @throws {SluiceError} `INVALID_OPTIONS` */
export function resolveTaskOptions(options: TaskOptions, appName: string): ResolvedTaskOptions {
  check(taskSchema, options, `options of a call of app '${appName}'`);
  const { inputs = [], outputs = [], ...rest } = options;
  return {
    ...rest,
    inputs: inputs.map((file) => (file instanceof DataFuture || file instanceof AppFuture ? file : new DataFile(file))),
    outputs: outputs.map((file) => new DataFile(file).url),
  };
}

/** What {@link resolveTaskOptions} makes of a call's options. */
export type ResolvedTaskOptions = Pick<TaskRequest, 'outputs'> & {
  /** Files, and futures of files. */
  readonly inputs: readonly unknown[];
} & Partial<Pick<TaskRequest, 'stdout' | 'stderr' | 'walltimeMs' | 'resources' | 'priority' | 'label'>>;

/** A call without options. */
export const NO_TASK_OPTIONS: ResolvedTaskOptions = { inputs: [], outputs: [] };

function check(schema: z.ZodType, options: object, what: string): void {
  const parsed = schema.safeParse(options);
  if (parsed.success) return;
  throw new SluiceError('INVALID_OPTIONS', `${what}:\n${z.prettifyError(parsed.error)}`, { cause: parsed.error });
}
