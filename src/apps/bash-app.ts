import type { IoApp, SetupOption } from './app.js';
import { defineShippedApp } from './define-app.js';
import type { WithIo } from './io.js';
import type { ShellCommand } from './shell-quote.js';
import type { AppOptions } from './task-options.js';

/**
 * A bash app: resolves with the exit code, always 0, or with what its command writes to standard output, where its option
 * `returns` says so. Any other exit code is a `BashExitError`.
 */
export type BashApp<A extends readonly unknown[], R = number> = IoApp<A, R>;

/** What a bash app resolves with. */
export interface ReturnsOption<F extends keyof CommandValues = keyof CommandValues> {
  /**
   * `exitCode`; or what the command writes to standard output, 64 MiB at most, so that small values need no file: `text`
   * as `$(command)` gives it, UTF-8 without the newlines at its end; `bytes`; or `json`, parsed. Default: `exitCode`.
   */
  readonly returns?: F;
}

/** Values of a command, by `returns`. */
export interface CommandValues {
  readonly exitCode: number;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly json: unknown;
}

/**
 * Makes a function that writes a command an app. The function runs on the worker and returns the command: best made
 * by `io.sh`, which quotes, or a plain string. It runs under `/bin/bash -o pipefail` in the attempt's scratch folder.
 *
 * @throws {SluiceError} `CODE_NOT_SHIPPABLE` naming every variable a worker will not have, `INVALID_OPTIONS`
 */
export function bash<C, F extends keyof CommandValues = 'exitCode'>(
  fn: WithIo<[], BashResult, Awaited<C>>,
  options: AppOptions & SetupOption<C> & ReturnsOption<F>,
): BashApp<[], CommandValues[F]>;
export function bash<A extends readonly unknown[], C, F extends keyof CommandValues = 'exitCode'>(
  fn: WithIo<A, BashResult, Awaited<C>>,
  options: AppOptions & SetupOption<C> & ReturnsOption<F>,
): BashApp<A, CommandValues[F]>;
export function bash<F extends keyof CommandValues = 'exitCode'>(
  fn: WithIo<[], BashResult>,
  options?: AppOptions & ReturnsOption<F>,
): BashApp<[], CommandValues[F]>;
export function bash<A extends readonly unknown[], F extends keyof CommandValues = 'exitCode'>(
  fn: WithIo<A, BashResult>,
  options?: AppOptions & ReturnsOption<F>,
): BashApp<A, CommandValues[F]>;
export function bash(
  fn: (...args: never[]) => unknown,
  options: AppOptions & Partial<SetupOption<unknown>> & ReturnsOption = {},
): unknown {
  return defineShippedApp(fn, options, { kind: 'bash', io: true });
}

/** What a bash app's function returns. */
export type Command = string | ShellCommand;

type BashResult = Command | Promise<Command>;
