import type { EncodedValue } from './encoded-value.js';

/** Version of everything in this folder. A worker refuses an envelope of another one with `PROTOCOL`. */
export const WIRE_VERSION = 1;

/** The code of an app, as it travels. */
export interface AppCode {
  /** Shown in errors, logs and reports. */
  readonly name: string;
  readonly kind: 'function' | 'bash';
  /** Source of one function expression. */
  readonly source: string;
  /** SHA-256 of the source, hex: workers keep compiled apps by it. */
  readonly hash: string;
  /** Whether the function's last parameter is {@link Io}; always so for bash. */
  readonly io: boolean;
  /** Number of parameters before Io: shorter calls are padded, so that Io keeps its position. */
  readonly arity: number;
  /** `file:` URL of the module that defined the app, or '' when unknown: bare imports resolve from it where the project is shared. */
  readonly definedIn: string;
}

/** What a task asks of its worker; executors declare which keys they honour. */
export interface Resources {
  readonly cores?: number;
  readonly memoryMiB?: number;
  readonly accelerators?: number;
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
  /** Where a file really is for this worker, by its URL; set by executors that relay local files. */
  readonly relayed?: Readonly<Record<string, string>>;
  readonly walltimeMs?: number;
  readonly resources?: Resources;
  readonly priority?: number;
}

/** What {@link TaskEnvelope.call} decodes to. */
export interface CallArguments {
  readonly args: readonly unknown[];
  readonly inputs: readonly unknown[];
}

/** Names one attempt of a task within its run. */
export function attemptName(envelope: Pick<TaskEnvelope, 'taskId' | 'attempt'>): string {
  return `${envelope.taskId}-${envelope.attempt}`;
}

/** URLs of the streams of a task that go to files. */
export function streamsOf(envelope: Pick<TaskEnvelope, 'stdout' | 'stderr'>): readonly string[] {
  return [envelope.stdout, envelope.stderr].filter((url) => url !== undefined);
}
