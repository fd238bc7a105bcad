import type { ManagerTable } from './manager-table.js';

/** The list of managers is told at most so often, for each 200 of them. */
const EVERY_MS = 200;
const EVERY_MANAGERS = 200;

/** Knows when the client is to be told who is there: after a change, and not too often. */
export class ManagerList {
  readonly #table: ManagerTable;
  #isDue = false;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(table: ManagerTable) {
    this.#table = table;
  }

  changed(): void {
    this.#isDue = true;
  }

  dueAtMs(): number {
    if (!this.#isDue) return Number.POSITIVE_INFINITY;
    return this.#toldAtMs + EVERY_MS * (1 + Math.floor(this.#table.size / EVERY_MANAGERS));
  }

  told(nowMs: number): void {
    this.#isDue = false;
    this.#toldAtMs = nowMs;
  }
}
