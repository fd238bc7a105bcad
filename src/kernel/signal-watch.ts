interface Watched {
  readonly taskIds: Set<number>;
  readonly onAbort: () => void;
}

/**
 * Cancels tasks when their signals abort. However many tasks share a signal, it has one listener, which goes with the
 * last of them.
 */
export class SignalWatch {
  readonly #watched = new Map<AbortSignal, Watched>();
  readonly #cancel: (taskId: number, reason: unknown) => void;

  constructor(cancel: (taskId: number, reason: unknown) => void) {
    this.#cancel = cancel;
  }

  /** Cancels the task when the signal aborts; at once, when it has. */
  add(signal: AbortSignal, taskId: number): void {
    if (signal.aborted) this.#cancel(taskId, signal.reason);
    else (this.#watched.get(signal) ?? this.#watch(signal)).taskIds.add(taskId);
  }

  /** The task has ended: the signal is no matter of its any more. */
  remove(signal: AbortSignal, taskId: number): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined) return;
    watched.taskIds.delete(taskId);
    if (watched.taskIds.size > 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener('abort', watched.onAbort);
  }

  #watch(signal: AbortSignal): Watched {
    const taskIds = new Set<number>();
    const onAbort = (): void => {
      for (const taskId of [...taskIds]) this.#cancel(taskId, signal.reason);
    };
    const watched: Watched = { taskIds, onAbort };
    this.#watched.set(signal, watched);
    signal.addEventListener('abort', onAbort);
    return watched;
  }
}
