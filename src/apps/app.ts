import type { FileLike } from '../data/data-file.js';
import type { AppFuture } from '../kernel/app-future.js';
import type { DeferredArguments } from './deferred.js';
import { defineShippedApp } from './define-app.js';
import type { WithIo } from './io.js';
import type { AppOptions, TaskOptions } from './task-options.js';

/** A function app: call it like its function, with futures wherever you like. */
export interface App<A extends readonly unknown[], R> {
  (...args: DeferredArguments<A>): AppFuture<R>;
  /** The same app with options for its next call. */
  with<const O extends readonly FileLike[] = readonly []>(
    options: TaskOptions<O>,
  ): (...args: DeferredArguments<A>) => AppFuture<R, O>;
}

/** An app whose function gets {@link Io} last: its call takes the task's options in that place, or nothing. */
export interface IoApp<A extends readonly unknown[], R> {
  <const O extends readonly FileLike[] = readonly []>(
    ...args: [...DeferredArguments<A>, options?: TaskOptions<O>]
  ): AppFuture<R, O>;
  with<const O extends readonly FileLike[] = readonly []>(
    options: TaskOptions<O>,
  ): (...args: DeferredArguments<A>) => AppFuture<R, O>;
}

/** Options of an app whose function gets {@link Io} last. */
export type IoAppOptions = AppOptions & { readonly io: true };

/** What makes `io.context`. */
export interface SetupOption<C> {
  /**
   * Runs once a worker, before the first task that needs it, and ships as the app's own function does; a model or a
   * connection is best loaded here. Where it throws, the task fails with that error, and the next one tries again. A
   * value with `Symbol.asyncDispose` or `Symbol.dispose` is disposed of when its worker is closed.
   */
  readonly setup: () => C;
}

/**
 * Makes a function an app: its calls become tasks, its source ships to the worker.
 *
 * The function may use its parameters, globals, and what it imports itself by `await import(…)`: that is found in the
 * project of the module that calls `app`, and goes along to workers that do not see it.
 *
 * @throws {SluiceError} `CODE_NOT_SHIPPABLE` naming every variable a worker will not have, `INVALID_OPTIONS`
 */
export function app<R, C>(fn: WithIo<[], R, Awaited<C>>, options: IoAppOptions & SetupOption<C>): IoApp<[], Awaited<R>>;
export function app<A extends readonly unknown[], R, C>(
  fn: WithIo<A, R, Awaited<C>>,
  options: IoAppOptions & SetupOption<C>,
): IoApp<A, Awaited<R>>;
export function app<R>(fn: WithIo<[], R>, options: IoAppOptions): IoApp<[], Awaited<R>>;
export function app<A extends readonly unknown[], R>(fn: WithIo<A, R>, options: IoAppOptions): IoApp<A, Awaited<R>>;
export function app<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options?: AppOptions & { readonly io?: false },
): App<A, Awaited<R>>;
export function app(
  fn: (...args: never[]) => unknown,
  options: AppOptions & { readonly io?: boolean } & Partial<SetupOption<unknown>> = {},
): unknown {
  return defineShippedApp(fn, options, { kind: 'function', io: options.io === true });
}
