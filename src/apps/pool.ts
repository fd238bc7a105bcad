import { SluiceError } from '../errors.js';
import type { AppFuture } from '../kernel/app-future.js';
import type { DataFlowKernel } from '../kernel/dataflow-kernel.js';
import { app } from './app.js';
import { type AppDefinition, callableApp, definitionOf } from './callable-app.js';
import type { Deferred } from './deferred.js';
import { type MapOptions, map } from './map.js';
import type { TaskOptions } from './task-options.js';

/** Options of one {@link Pool.run}, as in {@link TaskOptions}. */
export type RunOptions = Pick<TaskOptions, 'signal' | 'walltimeMs' | 'priority'>;

/** Options of {@link Pool.map}: those of every run, and how many there are at a time (default: 256). */
export type PoolMapOptions = RunOptions & Pick<MapOptions, 'concurrency'>;

/** One app and a kernel to run it on, as a pool of workers is used elsewhere. */
export interface Pool<A, R> extends AsyncDisposable {
  /**
   * Runs the app once and resolves with its result, or rejects with what it threw. The argument may be a future, or hold
   * futures; what `run` returned is one for other calls.
   */
  run(arg: Deferred<A>, options?: RunOptions): Promise<R>;
  /**
   * Runs the app for each item and resolves with the results in the order of the items. The first failure rejects, and
   * cancels the rest.
   */
  map(items: Iterable<Deferred<A>> | AsyncIterable<Deferred<A>>, options?: PoolMapOptions): Promise<R[]>;
  /** Starts the workers, which the first run does otherwise, and resolves with the pool's kernel. */
  load(): Promise<DataFlowKernel>;
  /**
   * Ends a kernel of the pool's own: waits for what was submitted, or cancels it; a kernel that was given is left alone.
   * Runs are refused from now on. Idempotent.
   */
  close(options?: { onClose?: 'wait' | 'cancel' }): Promise<void>;
}

/** Whose kernel a pool uses. */
export interface PoolKernel {
  /** Called once, by the first who needs it. */
  readonly load: () => Promise<DataFlowKernel>;
  /** Whether it is closed with the pool. */
  readonly isOwn: boolean;
}

type AnyCall = (...args: readonly unknown[]) => AppFuture<unknown>;
type AnyApp = AnyCall & { with(options: TaskOptions): AnyCall };

/** The definition of an app, or of a function that becomes one. @throws as `app` does */
export function poolDefinition(target: object, name: string | undefined): AppDefinition {
  const own = definitionOf(target);
  if (own !== undefined) return name === undefined ? own : { ...own, name };
  const made = app(target as () => unknown, name === undefined ? {} : { name });
  return definitionOf(made) as AppDefinition;
}

/** The pool over a kernel. */
export function poolOver(definition: AppDefinition, { load, isOwn }: PoolKernel): Pool<unknown, unknown> {
  let loading: Promise<DataFlowKernel> | undefined;
  let bound: AnyApp | undefined;
  let isClosed = false;
  const ready = (): Promise<DataFlowKernel> => {
    loading ??= load().then((kernel) => {
      bound = callableApp({ ...definition, kernel });
      return kernel;
    });
    return loading;
  };
  const argumentsOf = (arg: unknown): unknown[] => (definition.io ? [arg].slice(0, definition.arity) : [arg]);
  const calling = (options: RunOptions | undefined): AnyCall => {
    const target = bound as AnyApp;
    return options === undefined ? target : target.with(options);
  };
  const refuse = (): SluiceError =>
    new SluiceError('KERNEL_CLOSED', `the pool of app '${definition.name}' was called after its close`);

  const run = async (arg: unknown, options?: RunOptions): Promise<unknown> => {
    if (isClosed) throw refuse();
    if (bound === undefined) await ready();
    return calling(options)(...argumentsOf(arg)).then();
  };
  const close: Pool<unknown, unknown>['close'] = async (options) => {
    isClosed = true;
    if (!isOwn || loading === undefined) return;
    const kernel = await loading.catch(() => undefined);
    await kernel?.close(options);
  };
  return {
    run,
    async map(items, { concurrency, signal, ...rest } = {}) {
      if (isClosed) throw refuse();
      await ready();
      const call = calling(rest);
      const options = { ...(concurrency !== undefined && { concurrency }), ...(signal !== undefined && { signal }) };
      const results: unknown[] = [];
      for await (const result of map((item) => call(...argumentsOf(item)), items, options)) results.push(result);
      return results;
    },
    async load() {
      if (isClosed) throw refuse();
      return ready();
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
