import { SluiceError } from '../errors.js';
import type { Executor } from '../executors/executor.js';
import { endWithin } from './end-within.js';
import { refuseRepeatedLabels } from './executor-list.js';
import type { KernelParts } from './kernel-parts.js';

/** The executors of a kernel, which may become more while it runs. */
export class ExecutorRoster {
  readonly #parts: KernelParts;
  /** Being added: their labels are taken already. */
  readonly #starting = new Set<Executor>();
  #isClosed = false;

  constructor(parts: KernelParts) {
    this.#parts = parts;
  }

  /** As the kernel's `addExecutors` promises. */
  async add(executors: readonly Executor[]): Promise<void> {
    if (this.#isClosed) throw closedToExecutors();
    const added = this.#parts.checkExecutors(executors);
    refuseRepeatedLabels([...this.#parts.executors, ...this.#starting, ...added]);
    for (const executor of added) this.#starting.add(executor);
    try {
      await this.#parts.startExecutors(added);
    } finally {
      for (const executor of added) this.#starting.delete(executor);
    }
    if (!this.#closedMeanwhile()) {
      this.#parts.executors.push(...added);
      return;
    }
    await this.#end(added);
    throw closedToExecutors();
  }

  /** No executor is added from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** Ends every worker within the kernel's grace. Never rejects. */
  endAll(): Promise<void> {
    return this.#end(this.#parts.executors);
  }

  async #end(executors: readonly Executor[]): Promise<void> {
    const { graceMs } = this.#parts;
    const end = (executor: Executor) =>
      endWithin(`executor '${executor.label}'`, () => executor.close({ graceMs }), this.#parts);
    await Promise.all(executors.map(end));
  }

  #closedMeanwhile(): boolean {
    return this.#isClosed;
  }
}

function closedToExecutors(): SluiceError {
  return new SluiceError('KERNEL_CLOSED', 'executors were added to a kernel that is closed: add them before its close');
}
