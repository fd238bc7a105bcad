import type { IoApp, SetupOption } from './app.js';
import { defineShippedApp } from './define-app.js';
import type { WithIo } from './io.js';
import type { ShellCommand } from './shell-quote.js';
import type { AppOptions } from './task-options.js';

/** A bash app: resolves with the exit code, always 0; any other is a `BashExitError`. */
export type BashApp<A extends readonly unknown[]> = IoApp<A, number>;

/**
 * Makes a function that writes a command an app. The function runs on the worker and returns the command: best made
 * by `io.sh`, which quotes, or a plain string. It runs under `/bin/bash -o pipefail` in the attempt's scratch folder.
 *
 * @throws {SluiceError} `CODE_NOT_SHIPPABLE` naming every variable a worker will not have, `INVALID_OPTIONS`
 */
export function bash<C>(fn: WithIo<[], BashResult, Awaited<C>>, options: AppOptions & SetupOption<C>): BashApp<[]>;
export function bash<A extends readonly unknown[], C>(
  fn: WithIo<A, BashResult, Awaited<C>>,
  options: AppOptions & SetupOption<C>,
): BashApp<A>;
export function bash(fn: WithIo<[], BashResult>, options?: AppOptions): BashApp<[]>;
export function bash<A extends readonly unknown[]>(fn: WithIo<A, BashResult>, options?: AppOptions): BashApp<A>;
export function bash(
  fn: (...args: never[]) => unknown,
  options: AppOptions & Partial<SetupOption<unknown>> = {},
): unknown {
  return defineShippedApp(fn, options, { kind: 'bash', io: true });
}

/** What a bash app's function returns. */
export type Command = string | ShellCommand;

type BashResult = Command | Promise<Command>;
