/** A failure that nobody has looked at yet. */
export interface UnseenFailure {
  readonly taskId: number;
  readonly appName: string;
  readonly error: unknown;
  /** 0 when it never ran. */
  readonly attempts: number;
  /** Where the last attempt ran. */
  readonly executor: string | undefined;
  /** Files its streams went to. */
  readonly logs: readonly string[];
}

const MOST_KEPT = 20;

/** Counts the failures that nobody has looked at, and keeps the first 20 of them. */
export class UnseenFailures {
  readonly #kept = new Map<number, UnseenFailure>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Those that are kept, oldest first. */
  get first(): readonly UnseenFailure[] {
    return [...this.#kept.values()];
  }

  /** @param describe called only when the failure is kept */
  add(taskId: number, describe: () => UnseenFailure): void {
    this.#count += 1;
    if (this.#kept.size < MOST_KEPT) this.#kept.set(taskId, describe());
  }

  /** Somebody has looked at a failure that was added. */
  remove(taskId: number): void {
    this.#count -= 1;
    this.#kept.delete(taskId);
  }
}
