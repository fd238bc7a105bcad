/**
 * Whose fault a failure is, and so what happens next.
 *
 * - `app`: the user's code failed; the user's `retries` decide.
 * - `infrastructure`: a worker, a network or a service failed; retried on a budget of its own.
 * - `usage`: the call or the configuration can never work; never retried.
 */
export type ErrorClass = 'app' | 'infrastructure' | 'usage';

/** Codes that Sluice itself raises. */
export type KnownErrorCode =
  | 'INVALID_OPTIONS'
  | 'UNKNOWN_LABEL'
  | 'DUPLICATE_LABEL'
  | 'NO_KERNEL'
  | 'KERNEL_LOADED'
  | 'KERNEL_CLOSED'
  | 'CODE_NOT_SHIPPABLE'
  | 'NOT_SENDABLE'
  | 'NO_SUCH_KEY'
  | 'FILE_NOT_REACHABLE'
  | 'NO_STAGING'
  | 'NOT_FOUND'
  | 'ACCESS_DENIED'
  | 'HOST_NOT_TRUSTED'
  | 'PACKAGE_MISSING'
  | 'PRECONDITION_FAILED'
  | 'FUNCTION_NOT_DEPLOYED'
  | 'VERSION_MISMATCH'
  | 'RESOURCES_NOT_HONOURED'
  | 'CANCELLED'
  | 'DEPENDENCY'
  | 'JOIN'
  | 'BASH_EXIT'
  | 'BASH_BAD_INPUT'
  | 'BASH_BAD_OUTPUT'
  | 'BASH_NO_COMMAND'
  | 'MISSING_OUTPUT'
  | 'WALLTIME'
  | 'OUT_OF_MEMORY'
  | 'TASK_EXITED'
  | 'NON_ERROR_THROWN'
  | 'WORKER_LOST'
  | 'INPUT_LOST'
  | 'THROTTLED'
  | 'SERVICE_FAILED'
  | 'TRANSFER_FAILED'
  | 'COMMAND_FAILED'
  | 'SUBMIT_REJECTED'
  | 'SCHEDULER_OUTPUT'
  | 'BLOCKS_FAILED'
  | 'INTERCHANGE_LOST'
  | 'UNREACHABLE'
  | 'ADDRESS_IN_USE'
  | 'PROTOCOL';

/** What each code means. Codes never change; messages may. */
export const ERROR_CODES: Readonly<Record<KnownErrorCode, { readonly class: ErrorClass; readonly meaning: string }>> = {
  INVALID_OPTIONS: { class: 'usage', meaning: 'Options that do not exist or do not fit; the message names every one.' },
  UNKNOWN_LABEL: { class: 'usage', meaning: 'An app asks for an executor label that the kernel does not have.' },
  DUPLICATE_LABEL: { class: 'usage', meaning: 'Two executors of one kernel share a label.' },
  NO_KERNEL: { class: 'usage', meaning: 'An app was called and no kernel is loaded.' },
  KERNEL_LOADED: { class: 'usage', meaning: 'A default kernel is already loaded.' },
  KERNEL_CLOSED: { class: 'usage', meaning: 'A call reached a kernel after its close.' },
  CODE_NOT_SHIPPABLE: {
    class: 'usage',
    meaning: 'A function cannot run on a worker: it uses a variable the worker will not have.',
  },
  NOT_SENDABLE: { class: 'usage', meaning: 'An argument or a result cannot be sent between client and worker.' },
  NO_SUCH_KEY: { class: 'usage', meaning: 'A result has nothing at the key that `get` was given.' },
  FILE_NOT_REACHABLE: {
    class: 'usage',
    meaning: 'A local file is needed on a worker that cannot reach it, and there is no bucket to carry it.',
  },
  NO_STAGING: { class: 'usage', meaning: 'No staging provider knows the scheme of a file.' },
  NOT_FOUND: { class: 'usage', meaning: 'An object, a bucket or a local file does not exist.' },
  ACCESS_DENIED: { class: 'usage', meaning: 'The credentials are missing, wrong, or not allowed to do this.' },
  HOST_NOT_TRUSTED: {
    class: 'usage',
    meaning:
      'The key of an ssh host is unknown, changed or revoked, or the certificate of an FTP server is not trusted.',
  },
  PACKAGE_MISSING: {
    class: 'usage',
    meaning: 'A package that only some need is not installed; the message has the command.',
  },
  PRECONDITION_FAILED: { class: 'usage', meaning: 'A conditional write or read found the object in another state.' },
  FUNCTION_NOT_DEPLOYED: { class: 'usage', meaning: 'The Lambda function does not exist; run `sluice deploy lambda`.' },
  VERSION_MISMATCH: { class: 'usage', meaning: 'A worker runs another version of Sluice than the client.' },
  RESOURCES_NOT_HONOURED: { class: 'usage', meaning: 'A task asks for a resource this executor cannot give.' },
  CANCELLED: { class: 'usage', meaning: 'The task was cancelled, or its kernel was closed.' },
  DEPENDENCY: {
    class: 'app',
    meaning: 'A task this one depends on failed; the root cause comes first in the message.',
  },
  JOIN: { class: 'app', meaning: 'A future returned by a join app failed.' },
  BASH_EXIT: { class: 'app', meaning: 'The command of a bash app ended with a code other than 0.' },
  BASH_BAD_INPUT: { class: 'app', meaning: 'A bash app was given something as stdin that is no text, bytes or file.' },
  BASH_BAD_OUTPUT: {
    class: 'app',
    meaning: 'What a bash app returns of its standard output is too large, or not in the form it says.',
  },
  BASH_NO_COMMAND: { class: 'app', meaning: 'A bash app returned something that is not a command.' },
  MISSING_OUTPUT: { class: 'app', meaning: 'The app ended well but did not write an output it declared.' },
  WALLTIME: { class: 'app', meaning: 'The task ran longer than its walltime, or than its worker allows.' },
  OUT_OF_MEMORY: { class: 'app', meaning: 'The task used more memory than its worker has.' },
  TASK_EXITED: { class: 'app', meaning: "The user's code ended its own worker, by process.exit or an uncaught error." },
  NON_ERROR_THROWN: { class: 'app', meaning: 'An app threw something that is not an Error; it is the `cause`.' },
  WORKER_LOST: { class: 'infrastructure', meaning: 'The worker ended before the task did.' },
  INPUT_LOST: {
    class: 'infrastructure',
    meaning: 'A `temp:` file is not where it was kept any more; the task that makes it runs again.',
  },
  THROTTLED: { class: 'infrastructure', meaning: 'The service refused requests for too long.' },
  SERVICE_FAILED: {
    class: 'infrastructure',
    meaning: 'A service answered with an error of its own, or did not answer.',
  },
  TRANSFER_FAILED: {
    class: 'infrastructure',
    meaning: 'A transfer broke off, or its bytes did not match their checksum.',
  },
  COMMAND_FAILED: { class: 'infrastructure', meaning: 'A command of a provider could not be run, or took too long.' },
  SUBMIT_REJECTED: { class: 'infrastructure', meaning: 'A scheduler refused a job; the job was not created.' },
  SCHEDULER_OUTPUT: { class: 'infrastructure', meaning: 'A scheduler answered something that is not understood.' },
  BLOCKS_FAILED: { class: 'usage', meaning: 'Blocks could not be started; the message has what they wrote.' },
  INTERCHANGE_LOST: { class: 'infrastructure', meaning: 'The interchange of an executor ended, and tasks with it.' },
  UNREACHABLE: { class: 'infrastructure', meaning: 'None of the addresses of an interchange can be reached.' },
  ADDRESS_IN_USE: { class: 'usage', meaning: 'The port, or every port of the range, is in use.' },
  PROTOCOL: { class: 'infrastructure', meaning: 'A peer sent something this version does not understand.' },
};

/** A code of {@link ERROR_CODES}, or one of an executor or store written elsewhere. */
export type ErrorCode = KnownErrorCode | (string & {});

/** The one base of every error Sluice raises. The user's own errors are never wrapped in it. */
export class SluiceError extends Error {
  override readonly name: string = 'SluiceError';
  readonly code: ErrorCode;
  readonly class: ErrorClass;

  /**
   * @param options.class overrides the class that {@link ERROR_CODES} gives the code (default for unknown codes: `usage`).
   */
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; class?: ErrorClass } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.class = options.class ?? classOf(code);
  }
}

/** The command of a bash app ended with a code other than 0, or by a signal. */
export class BashExitError extends SluiceError {
  override readonly name: string = 'BashExitError';
  /** Exit code; 128 + the signal's number when a signal ended it, as shells count. */
  readonly exitCode: number;
  /** The last lines the command wrote to stderr, at most 4 KiB. */
  readonly stderrTail: string;

  constructor(fields: { app: string; exitCode: number; stderrTail: string }) {
    const said = fields.stderrTail.trimEnd().split('\n').at(-1) ?? '';
    super(
      'BASH_EXIT',
      `bash app '${fields.app}' ended with exit code ${fields.exitCode}${said === '' ? '' : `: ${said}`}`,
    );
    this.exitCode = fields.exitCode;
    this.stderrTail = fields.stderrTail;
  }
}

/** A task was not run, because one it depends on failed. `cause` is that one's error; the root cause ends the chain. */
export class DependencyError extends SluiceError {
  override readonly name: string = 'DependencyError';
  readonly taskId: number;
  /** Tasks this one waited for that failed. */
  readonly failedTaskIds: readonly number[];

  constructor(message: string, fields: { taskId: number; failedTaskIds: readonly number[]; cause: unknown }) {
    super('DEPENDENCY', message, { cause: fields.cause });
    this.taskId = fields.taskId;
    this.failedTaskIds = fields.failedTaskIds;
  }
}

/** A future that a join app returned failed. `cause` is its error. */
export class JoinError extends SluiceError {
  override readonly name: string = 'JoinError';
  readonly taskId: number;
  readonly failedTaskIds: readonly number[];

  constructor(message: string, fields: { taskId: number; failedTaskIds: readonly number[]; cause: unknown }) {
    super('JOIN', message, { cause: fields.cause });
    this.taskId = fields.taskId;
    this.failedTaskIds = fields.failedTaskIds;
  }
}

/** `temp:` files that a task reads are not where they were kept any more. */
export class InputLostError extends SluiceError {
  override readonly name: string = 'InputLostError';
  /** URLs of all that are known to be lost, as the task names them: `temp:…`. */
  readonly urls: readonly string[];

  /** @param options.class `usage` when they cannot be made again. Default: `infrastructure` */
  constructor(urls: readonly string[], message: string, options: { cause?: unknown; class?: ErrorClass } = {}) {
    super('INPUT_LOST', message, options);
    this.urls = urls;
  }
}

function classOf(code: ErrorCode): ErrorClass {
  return Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as KnownErrorCode].class : 'usage';
}

/** Class of any thrown value: what is not a {@link SluiceError} came from the user's code. */
export function errorClassOf(error: unknown): ErrorClass {
  return error instanceof SluiceError ? error.class : 'app';
}

/** The message of any thrown value, also when it is not an Error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
