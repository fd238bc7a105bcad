import { SluiceError } from '../../errors.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type { DeployedFunction } from './deployed-function.js';
import { parseReport } from './report-line.js';

/** What an invocation answers when the function itself failed: the runtime's own words. */
export interface FunctionFailure {
  readonly errorType: string;
  readonly errorMessage: string;
}

/** Reads the payload of a failed invocation, whatever is in it; `functionError` names it where it does not itself. */
export function parseFailure(payload: Uint8Array, functionError: string): FunctionFailure {
  const text = Buffer.from(payload).toString();
  try {
    const { errorType, errorMessage } = JSON.parse(text) as Partial<Record<keyof FunctionFailure, unknown>>;
    return { errorType: String(errorType ?? functionError), errorMessage: String(errorMessage ?? '') };
  } catch {
    return { errorType: functionError, errorMessage: text.slice(0, 200) };
  }
}

/**
 * Tells apart the ways an environment can end under a task. The handler turns whatever the app throws into an
 * outcome, so what arrives here is the platform's (AWS Lambda developer guide, "Troubleshoot invocation issues").
 */
export function functionFailure(
  failure: FunctionFailure,
  place: { readonly envelope: TaskEnvelope; readonly fn: DeployedFunction; readonly logTail: string },
): SluiceError {
  const { envelope, fn, logTail } = place;
  const task = `task ${envelope.taskId} '${envelope.app.name}' on Lambda function '${fn.name}'`;
  const { errorType, errorMessage } = failure;
  const said = `${errorType}: ${errorMessage}`;
  if (errorType === 'Sandbox.Timedout' || /Task timed out after/.test(errorMessage)) {
    return new SluiceError(
      'WALLTIME',
      `${task} ran longer than the function's timeout of ${fn.timeoutSeconds} s: deploy it with more (sluice deploy lambda --timeout), or give the task less to do`,
    );
  }
  if (isOutOfMemory(failure, logTail)) {
    return new SluiceError(
      'OUT_OF_MEMORY',
      `${task} used more than the function's ${fn.memoryMiB} MiB: deploy it with more (sluice deploy lambda --memory), or give the task less to hold`,
    );
  }
  if (errorType === 'Function.ResponseSizeTooLarge') {
    return new SluiceError('NOT_SENDABLE', `${task} returned more than Lambda's 6 MB: give LambdaExecutor a bucket`);
  }
  if (/^Runtime\.(ImportModuleError|HandlerNotFound|UserCodeSyntaxError)/.test(errorType)) {
    return new SluiceError(
      'VERSION_MISMATCH',
      `Lambda function '${fn.name}' cannot load its worker (${said}): run sluice deploy lambda again`,
    );
  }
  if (/signal: killed/.test(errorMessage)) {
    return new SluiceError('WORKER_LOST', `${task}: its environment was killed (${said})`);
  }
  if (isOfTheTask(errorType)) {
    return new SluiceError(
      'TASK_EXITED',
      `${task} ended its worker (${said}): return or throw instead of process.exit, and leave no error uncaught${tailOf(logTail)}`,
    );
  }
  return new SluiceError('PROTOCOL', `${task}: the worker failed (${said})${tailOf(logTail)}`);
}

// An error that nobody caught bears its own name, such as TypeError; the handler's own failures are SluiceErrors, and
// the platform's other types have a dot (Extension.Crash). `Unhandled` stands where no type was given.
function isOfTheTask(errorType: string): boolean {
  if (errorType === 'SluiceError' || errorType === 'Unhandled') return false;
  return errorType.startsWith('Runtime.') || !errorType.includes('.');
}

function isOutOfMemory({ errorType, errorMessage }: FunctionFailure, logTail: string): boolean {
  if (errorType === 'Runtime.OutOfMemory' || /heap out of memory/.test(logTail)) return true;
  const report = parseReport(logTail);
  if (report === undefined || !/signal: killed/.test(errorMessage)) return false;
  return report.maxMemoryUsedMiB >= report.memorySizeMiB * 0.95;
}

// The platform's own lines say nothing that is not in the error already.
const PLATFORM_LINE = /^(?:(?:START|END|REPORT) RequestId: |\{"errorType":"[^"]*","errorMessage":"RequestId: )/;

function tailOf(logTail: string): string {
  const lines = logTail.split('\n').filter((line) => line.trim() !== '' && !PLATFORM_LINE.test(line));
  return lines.length === 0 ? '' : `; it wrote last:\n${lines.slice(-5).join('\n')}`;
}
