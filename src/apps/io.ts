import type { DataFile } from '../data/data-file.js';
import type { ShellCommand } from './shell-quote.js';

/** What a running app may know of its attempt, as its last parameter. */
export interface Io<C = undefined> {
  /** The call's `inputs`, each with its local path. */
  readonly inputs: readonly DataFile[];
  /** The call's `outputs`, each with the path to write to. */
  readonly outputs: readonly DataFile[];
  /** Where the task's standard output goes, when the call says. */
  readonly stdout: DataFile | undefined;
  readonly stderr: DataFile | undefined;
  /** Absolute path of a folder that only this attempt uses, removed when it ends. */
  readonly scratch: string;
  /**
   * Writes a shell command, quoting every interpolation: strings, numbers, DataFiles (their path), arrays of them
   * (separated by spaces), and commands made by `sh` itself, which stay as they are.
   *
   * @throws {TypeError} when anything else is interpolated, `undefined` above all
   */
  readonly sh: (strings: TemplateStringsArray, ...values: readonly unknown[]) => ShellCommand;
  /** What the app's `setup` made on this worker. */
  readonly context: C;
  readonly taskId: number;
  /** Counts from 1 over all retries. */
  readonly attempt: number;
}

/**
 * A function whose last parameter is Io. Where there are others before it, write its type, `io: Io`: TypeScript infers
 * no parameters in front of one that has no type of its own.
 */
export type WithIo<A extends readonly unknown[], R, C = undefined> = (...args: [...A, io: Io<C>]) => R;
