import type { CacheOptions } from '../data/cache-options.js';
import type { EncodedValue } from './encoded-value.js';
import type { ShippedStorage } from './shipped-storage.js';

/** Version of everything in this folder. A worker refuses an envelope of another one with `PROTOCOL`. */
export const WIRE_VERSION = 1;

/** The code of an app, as it travels. */
export interface AppCode {
  /** Shown in errors, logs and reports. */
  readonly name: string;
  readonly kind: 'function' | 'bash';
  /** What a bash app resolves with; absent: its exit code. */
  readonly returns?: OutputForm;
  /** Source of one function expression; '' where a module or a bundle has the code. */
  readonly source: string;
  /** SHA-256 of the source, or of what the bundle gives, hex: workers keep compiled apps by it. */
  readonly hash: string;
  /** Whether the function's last parameter is {@link Io}; always so for bash. */
  readonly io: boolean;
  /** Number of parameters before Io: shorter calls are padded, so that Io keeps its position. */
  readonly arity: number;
  /** `file:` URL of the module that defined the app, or '' when unknown: bare imports resolve from it where the project is shared. */
  readonly definedIn: string;
  /** What the function and its setup import by name and Node does not have; absent when there is nothing. */
  readonly imports?: readonly string[];
  /** The export of the module `definedIn` that is the function: such code is always bundled. */
  readonly exportName?: string;
  readonly setup?: SetupCode;
  /** The code, with what it imports, as one ES module: absent until it is made for a worker that needs it. */
  readonly bundle?: CodeBundle;
}

/** What runs once a worker, before the first task that asks for it; its value is `io.context`. */
export interface SetupCode {
  /** Source of one function expression; '' where a bundle has it. */
  readonly source: string;
  /** Tells setups apart: apps with the same one share its value. */
  readonly hash: string;
}

/** The text of an ES module, or where it is: `file:` on a disk the worker sees, or an object. `hash` is the text's SHA-256, hex. */
export type CodeBundle =
  | { readonly kind: 'inline'; readonly hash: string; readonly text: string }
  | { readonly kind: 'reference'; readonly hash: string; readonly url: string };

/** Forms in which what a command writes to standard output is its value. */
export type OutputForm = 'text' | 'bytes' | 'json';

/** What a task asks of its worker; executors declare which keys they honour. */
export interface Resources {
  readonly cores?: number;
  readonly memoryMiB?: number;
  readonly accelerators?: number;
  /** Nodes that an MPI application takes, for itself alone. */
  readonly nodes?: number;
  /** Its processes, over all of its nodes. */
  readonly ranks?: number;
  readonly ranksPerNode?: number;
  /** Added to the command that starts it, as a shell reads it: `--cpu-bind=cores`. */
  readonly launcherOptions?: string;
}

/** One attempt of one task, as an executor gets it. Plain data: it can be cloned, encoded and kept. */
export interface TaskEnvelope {
  readonly version: typeof WIRE_VERSION;
  readonly runId: string;
  readonly taskId: number;
  /** Counts from 1 over all retries. */
  readonly attempt: number;
  readonly app: AppCode;
  /** Encoded {@link CallArguments}; slots stand where futures stood. */
  readonly call: Uint8Array;
  /** Values of the slots, by index. */
  readonly slots: readonly EncodedValue[];
  /** URLs of every file among arguments and inputs, those inside slots too: what will be staged in. */
  readonly files: readonly string[];
  /** URLs of the declared outputs: what will be staged out. */
  readonly outputs: readonly string[];
  readonly stdout?: string;
  readonly stderr?: string;
  /** Streams whose file is appended to; others replace what is there. Only for `file:` URLs, never relayed. */
  readonly appends?: readonly StreamName[];
  /** Where a file really is for this worker, by its URL: set by the kernel for `temp:` files, and by executors that relay local ones. */
  readonly relayed?: Readonly<Record<string, string>>;
  /** Nodes that may have a file's content in their caches, as `peer:` URLs, by the file's; set by executors whose nodes serve it. */
  readonly copies?: Readonly<Record<string, readonly string[]>>;
  /** URLs that the app is told of outputs, by theirs here: what is put where it belongs by another task. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** The run's options of the node's cache, with tasks that have files; absent: the worker's own. */
  readonly cache?: CacheOptions | false;
  /** Who moves the files, with tasks that have any; absent: Sluice's own. */
  readonly storage?: ShippedStorage;
  readonly walltimeMs?: number;
  readonly resources?: Resources;
  readonly priority?: number;
}

/** A stream that a task can have in a file. */
export type StreamName = 'stdout' | 'stderr';

/** What {@link TaskEnvelope.call} decodes to. */
export interface CallArguments {
  readonly args: readonly unknown[];
  readonly inputs: readonly unknown[];
  /** What a command reads from standard input: text, bytes or a file; `undefined` for nothing. */
  readonly stdin?: unknown;
}

/** Names one attempt of a task within its run. */
export function attemptName(envelope: Pick<TaskEnvelope, 'taskId' | 'attempt'>): string {
  return `${envelope.taskId}-${envelope.attempt}`;
}

/** URLs of the streams of a task that go to files. */
export function streamsOf(envelope: Pick<TaskEnvelope, 'stdout' | 'stderr'>): readonly string[] {
  return [envelope.stdout, envelope.stderr].filter((url) => url !== undefined);
}

/** URLs of the streams that are staged out like outputs; what is appended to is written where it belongs. */
export function replacedStreamsOf(envelope: Pick<TaskEnvelope, StreamName | 'appends'>): readonly string[] {
  const { stdout, stderr, appends = [] } = envelope;
  const streams = { stdout, stderr };
  const replaced = (['stdout', 'stderr'] as const).filter((name) => !appends.includes(name));
  return [...new Set(replaced.map((name) => streams[name]).filter((url) => url !== undefined))];
}
