import type { Executor } from '../../executors/executor.js';
import type { Production } from './production.js';
import type { TemporaryFile } from './temporary-file.js';

/** The `temp:` files of a task that has not ended: those it reads, and those it makes. */
export class TaskFiles {
  /** By the URLs that the task reads them as, which are theirs unless they were staged for it. Held until the task has ended. */
  readonly inputs: Map<string, TemporaryFile>;
  /** Declared by the call; a join passes them on to an app. */
  readonly outputs: readonly TemporaryFile[];
  /** What the task is, if it makes any itself. */
  production: Production | undefined = undefined;
  /** Whether it runs again what has run before. */
  readonly isRecovery: boolean;
  /** Where its attempt that was launched last runs. */
  executor: Executor | undefined = undefined;
  /** Where that attempt was told that its files are, by their URLs. */
  given: Readonly<Record<string, string>> = {};

  constructor(
    inputs: Iterable<readonly [url: string, TemporaryFile]>,
    outputs: readonly TemporaryFile[],
    recovers?: Production,
  ) {
    this.inputs = new Map(inputs);
    this.outputs = outputs;
    this.production = recovers;
    this.isRecovery = recovers !== undefined;
  }

  /** Whether the kernel says where the attempt puts its outputs. */
  get givesHomes(): boolean {
    const { sharesFilesystem = false, keepsTemporary = false } = this.executor?.capabilities ?? {};
    return sharesFilesystem && !keepsTemporary;
  }
}
