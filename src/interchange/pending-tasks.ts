import { PriorityQueue } from '../priority-queue.js';
import type { TaskNeeds } from '../wire/pilot/pilot-task.js';
import type { PlacedTask } from './placed-task.js';

/** What tasks of a line have in common: they fit where one of them fits. */
export interface Shape {
  /** Absent for tasks that fit everywhere. */
  readonly needs: TaskNeeds | undefined;
}

/** Tasks of one shape that wait, the next one first. */
export class Line implements Shape {
  readonly needs: TaskNeeds | undefined;
  readonly #queue = new PriorityQueue<PlacedTask>();
  #head: PlacedTask | undefined;
  /** No manager has room for it, until one is found that has. */
  isBlocked = false;
  /** When a manager to be kept free for it was last looked for. */
  triedAtMs: number = Number.NEGATIVE_INFINITY;

  constructor(needs: TaskNeeds | undefined) {
    this.needs = needs;
  }

  get size(): number {
    return this.#queue.size + (this.#head === undefined ? 0 : 1);
  }

  get head(): PlacedTask | undefined {
    return this.#head;
  }

  push(placed: PlacedTask): void {
    placed.line = this;
    const head = this.#head;
    if (head === undefined) {
      this.#head = placed;
      // Nobody has looked for room while it was empty.
      this.isBlocked = false;
    } else if (priorityOf(placed) < priorityOf(head)) {
      this.#queue.putBack(head, priorityOf(head));
      this.#head = placed;
    } else {
      this.#queue.push(placed, priorityOf(placed));
    }
  }

  /** Puts a task before all others of its priority. */
  putBack(placed: PlacedTask): void {
    placed.line = this;
    const head = this.#head;
    if (head === undefined) {
      this.#head = placed;
    } else if (priorityOf(placed) <= priorityOf(head)) {
      this.#queue.putBack(head, priorityOf(head));
      this.#head = placed;
    } else {
      this.#queue.putBack(placed, priorityOf(placed));
    }
  }

  shift(): PlacedTask | undefined {
    const head = this.#head;
    if (head !== undefined) head.line = undefined;
    this.#head = this.#queue.shift();
    return head;
  }

  remove(placed: PlacedTask): void {
    if (placed === this.#head) {
      this.shift();
    } else {
      placed.line = undefined;
      this.#queue.remove(placed);
    }
  }
}

/** Whether one is to go before the other, in whatever lines they stand. */
export function goesBefore(one: PlacedTask, other: PlacedTask): boolean {
  const difference = priorityOf(one) - priorityOf(other);
  return difference === 0 ? one.arrival < other.arrival : difference < 0;
}

function priorityOf({ task }: PlacedTask): number {
  return task?.priority ?? 0;
}

/** Tasks that wait for a manager, in a line for each shape. */
export class PendingTasks {
  readonly #lines = new Map<string, Line>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(placed: PlacedTask): void {
    this.#lineOf(placed).push(placed);
    this.#size += 1;
  }

  /** Puts a task that had its turn before all others of its shape and priority. */
  putBack(placed: PlacedTask): void {
    this.#lineOf(placed).putBack(placed);
    this.#size += 1;
  }

  shift(line: Line): PlacedTask | undefined {
    const placed = line.shift();
    if (placed !== undefined) this.#size -= 1;
    return placed;
  }

  remove(placed: PlacedTask): void {
    if (placed.line === undefined) return;
    placed.line.remove(placed);
    this.#size -= 1;
  }

  #lineOf({ task }: PlacedTask): Line {
    const needs = task?.needs;
    const key = shapeOf(needs);
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = new Line(key === '' ? undefined : commonNeeds(needs));
      this.#lines.set(key, line);
    }
    return line;
  }

  /** Lines with tasks. Empty ones are forgotten. */
  lines(): Line[] {
    const lines: Line[] = [];
    for (const [key, line] of this.#lines) {
      if (line.size > 0) lines.push(line);
      else if (key !== '') this.#lines.delete(key);
    }
    return lines;
  }
}

function shapeOf(needs: TaskNeeds | undefined): string {
  if (needs === undefined) return '';
  const { cores = 0, memoryMiB = 0, accelerators = 0, walltimeMs } = needs;
  if (cores <= 0 && memoryMiB <= 0 && accelerators <= 0 && walltimeMs === undefined) return '';
  return `${cores} ${memoryMiB} ${accelerators} ${walltimeMs === undefined ? '' : roundedUp(walltimeMs)}`;
}

function commonNeeds(needs: TaskNeeds | undefined): TaskNeeds | undefined {
  if (needs?.walltimeMs === undefined) return needs;
  return { ...needs, walltimeMs: roundedUp(needs.walltimeMs) };
}

// To two digits: walltimes that differ by less share a line, however many there are.
function roundedUp(walltimeMs: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, walltimeMs))) - 1);
  return Math.ceil(walltimeMs / unit) * unit;
}
