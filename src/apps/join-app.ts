import { DataFile } from '../data/data-file.js';
import { SluiceError } from '../errors.js';
import type { AppFuture } from '../kernel/app-future.js';
import type { DataFuture } from '../kernel/data-future.js';
import type { JoinCall } from '../kernel/task-request.js';
import { countParameters } from '../wire/code-shipping/capture.js';
import type { IoApp } from './app.js';
import { callableApp } from './callable-app.js';
import { restError } from './define-app.js';
import type { Io, WithIo } from './io.js';
import { sh } from './shell-quote.js';
import { type AppOptions, checkAppOptions } from './task-options.js';

/** What a join's future resolves with: the value of what its body returned, futures inside replaced by theirs. */
export type Joined<R> =
  R extends AppFuture<infer V>
    ? V
    : R extends DataFuture
      ? DataFile
      : R extends Promise<infer V>
        ? Joined<V>
        : R extends readonly unknown[] | Record<string, unknown>
          ? { -readonly [K in keyof R]: Joined<R[K]> }
          : R;

/** Options of a join: its body runs in the client, so none of them places it. */
export type JoinOptions = Omit<AppOptions, 'executors' | 'resources' | 'priority' | 'walltimeMs'>;

/**
 * Makes a function that calls other apps an app. Its body runs in the client when the arguments are there, and
 * returns a future, or futures nested in arrays and plain objects; the join's future settles when they all have.
 * A body may close over whatever it likes: it does not ship.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function join<R>(fn: WithIo<[], R>, options?: JoinOptions): IoApp<[], Joined<R>>;
export function join<A extends readonly unknown[], R>(fn: WithIo<A, R>, options?: JoinOptions): IoApp<A, Joined<R>>;
export function join(fn: (...args: never[]) => unknown, options: JoinOptions = {}): unknown {
  const { parameterCount, hasRest } = countParameters(fn);
  const name = options.name ?? (fn.name === '' ? 'join' : fn.name);
  checkAppOptions(options, name, 'join');
  if (hasRest) throw restError(name);
  const arity = Math.max(0, parameterCount - 1);
  const body = (call: JoinCall): unknown => {
    const args = Array.from({ length: arity }, (_, index) => call.args[index]);
    return fn(...([...args, joinIo(call, name)] as never[]));
  };
  return callableApp({ ...options, name, io: true, arity, work: { kind: 'join', body } });
}

// The body runs in the client: files have names there, and nothing is staged for it.
function joinIo(call: JoinCall, name: string): Io {
  return {
    inputs: call.inputs as readonly DataFile[],
    outputs: call.outputs.map((url) => new DataFile(url)),
    stdout: undefined,
    stderr: undefined,
    get scratch(): string {
      throw new SluiceError(
        'INVALID_OPTIONS',
        `join '${name}' has no scratch folder: it runs in the client, and calls apps for work on files`,
      );
    },
    sh,
    context: undefined,
    taskId: call.taskId,
    attempt: call.attempt,
  };
}
