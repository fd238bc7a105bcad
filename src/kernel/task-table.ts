import type { TaskRecord } from './task-record.js';

const PAGE_TASKS = 1_024;

interface Page {
  readonly records: (TaskRecord | undefined)[];
  size: number;
}

/**
 * The tasks that are not finished, by number, in the order of their calls. Numbers count up from 0, so that they are
 * places in pages: a Map of a million tasks takes five times the memory, and its time in a cache that misses.
 */
export class TaskTable {
  readonly #pages: (Page | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(taskId: number): TaskRecord | undefined {
    return this.#pages[pageOf(taskId)]?.records[taskId % PAGE_TASKS];
  }

  /** Numbers are added in order, each once. */
  add(record: TaskRecord): void {
    const index = pageOf(record.taskId);
    let page = this.#pages[index];
    if (page === undefined) {
      page = { records: [], size: 0 };
      this.#pages[index] = page;
    }
    page.records[record.taskId % PAGE_TASKS] = record;
    page.size += 1;
    this.#size += 1;
  }

  /** A task that is not there any more is none's business. */
  delete(taskId: number): void {
    const index = pageOf(taskId);
    const page = this.#pages[index];
    if (page?.records[taskId % PAGE_TASKS] === undefined) return;
    page.records[taskId % PAGE_TASKS] = undefined;
    page.size -= 1;
    this.#size -= 1;
    if (page.size === 0) this.#pages[index] = undefined;
  }

  /** All of them as they are now. */
  records(): TaskRecord[] {
    return this.#pages.flatMap((page) => page?.records.filter((record) => record !== undefined) ?? []);
  }
}

function pageOf(taskId: number): number {
  return Math.floor(taskId / PAGE_TASKS);
}
