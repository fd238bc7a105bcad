import { hostname } from 'node:os';
import { messageOf, SluiceError } from '../errors.js';
import { decodeError } from '../wire/error-codec.js';
import type { WorkerEnding } from './worker-process.js';

/** What an error says of the task it befell. */
export interface Casualty {
  readonly taskId: number;
  readonly app: string;
}

/** Signals by which native code ends its process (signal(7)). */
const CRASHES: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS']);

/** The error of a task whose worker process ended while it ran, when nobody here ended it. */
export function workerFailure(ending: WorkerEnding, casualty: Casualty): SluiceError {
  const { exitCode, signal, uncaught, isHeapFull } = ending;
  const tail = lastLines(ending);
  const task = named(casualty);
  if (uncaught !== undefined) {
    const cause = decodeError(uncaught);
    const text = `${task} left an error uncaught, which ended its worker: ${messageOf(cause)}${tail}`;
    return new SluiceError('TASK_EXITED', text, { cause });
  }
  if (isHeapFull && (signal === 'SIGABRT' || signal === 'SIGTRAP')) {
    return new SluiceError(
      'OUT_OF_MEMORY',
      `${task} used up the JavaScript heap of its worker: give it less to hold, or workers a larger heap ` +
        `(NODE_OPTIONS=--max-old-space-size=MiB)${tail}`,
    );
  }
  if (signal === null) {
    return new SluiceError(
      'TASK_EXITED',
      `${task} ended its worker with exit code ${exitCode} (process.exit): return or throw instead${tail}`,
    );
  }
  if (CRASHES.has(signal)) {
    return new SluiceError('TASK_EXITED', `${task} ended its worker by ${signal}: native code crashed${tail}`);
  }
  if (signal === 'SIGKILL') {
    return new SluiceError(
      'WORKER_LOST',
      `the worker of ${task} was killed by SIGKILL from elsewhere: the kernel does this when memory runs out ` +
        `(its log names the process), and so do schedulers${tail}`,
    );
  }
  return new SluiceError('WORKER_LOST', `the worker of ${task} was ended by ${signal} from elsewhere${tail}`);
}

/** The error of a task that had ended, or should have run, on a worker that ended because of another one. */
export function neighbourLost(casualty: Casualty): SluiceError {
  return new SluiceError('WORKER_LOST', `${named(casualty)} was on a worker that ended because of another task`);
}

/** The error of a task whose worker took more memory than it may. */
export function memoryExceeded(
  casualty: Casualty,
  { usedMiB, limitMiB }: { readonly usedMiB: number; readonly limitMiB: number },
): SluiceError {
  return new SluiceError(
    'OUT_OF_MEMORY',
    `${named(casualty)} took ${Math.ceil(usedMiB)} MiB, its worker and what it started included, and the limit is ` +
      `${Math.floor(limitMiB)} MiB: ask for more (resources.memoryMiB, memoryMiBPerWorker), or give it less to hold`,
  );
}

function named({ taskId, app }: Casualty): string {
  return `task ${taskId} '${app}' on ${hostname()}`;
}

function lastLines({ stderrTail }: WorkerEnding): string {
  return stderrTail === '' ? '' : `\nLast lines of the worker's stderr:\n${stderrTail}`;
}
