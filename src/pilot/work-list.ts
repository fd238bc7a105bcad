import type { HeldTask } from './dispatch-messages.js';

/** What a manager knows of one of its workers: what it was given, in the order in which it runs it. */
export class WorkList {
  readonly rank: number;
  state: 'starting' | 'ready' | 'ending' = 'starting';
  /** The task that takes this worker's share and runs on another. */
  lentTo: HeldTask | undefined;
  /** Asked to give back what has not begun, and not answered yet. */
  isRevoking = false;
  /** When it got its first task or answered last. */
  progressAtMs = 0;
  /** Work it still has, in milliseconds, as expected. */
  expectedMs = 0;
  readonly #tasks: HeldTask[] = [];
  #lastSequence = 0;

  constructor(rank: number) {
    this.rank = rank;
  }

  get count(): number {
    return this.#tasks.length;
  }

  get isIdle(): boolean {
    return this.state === 'ready' && this.#tasks.length === 0 && this.lentTo === undefined;
  }

  /** Whether it runs small tasks only, and may get more while it does. */
  get isShared(): boolean {
    return this.state === 'ready' && !this.isRevoking && this.#tasks[0]?.mayShare === true;
  }

  /** The task that runs, or is about to. */
  get first(): HeldTask | undefined {
    return this.#tasks[0];
  }

  /** Those that wait behind the first. */
  get others(): readonly HeldTask[] {
    return this.#tasks.slice(1);
  }

  give(tasks: readonly HeldTask[], nowMs: number): void {
    if (this.#tasks.length === 0) this.progressAtMs = nowMs;
    for (const held of tasks) {
      this.#lastSequence += 1;
      held.sequence = this.#lastSequence;
      held.worker = this.rank;
      this.expectedMs += held.expectedMs;
      this.#tasks.push(held);
    }
  }

  /** It has this one no longer. */
  take(held: HeldTask): void {
    if (this.#tasks[0] === held) this.#tasks.shift();
    else this.#tasks.splice(this.#tasks.indexOf(held), 1);
    held.worker = -1;
    this.expectedMs = this.#tasks.length === 0 ? 0 : this.expectedMs - held.expectedMs;
  }

  /** Starts anew, without anything; answers what it had. */
  clear(): readonly HeldTask[] {
    this.state = 'starting';
    this.isRevoking = false;
    this.expectedMs = 0;
    this.#lastSequence = 0;
    return this.#tasks.splice(0);
  }
}
