import type { PilotTask } from '../wire/pilot/pilot-task.js';
import type { Manager } from './manager.js';

/** At most so many tasks or results a message, and so many bytes unless one alone has more. */
const MOST_ITEMS = 512;
const MOST_BYTES = 8 * 1024 * 1024;

interface Ports {
  toManager(
    id: string,
    order:
      | { readonly kind: 'tasks'; readonly tasks: readonly PilotTask[] }
      | { readonly kind: 'code'; readonly code: number; readonly bytes: Uint8Array },
  ): void;
}

/** Tasks on their way to managers: each gets as few messages as there can be, and the code of each app once. */
export class TaskBatches {
  readonly #ports: Ports;
  readonly #code: ReadonlyMap<number, Uint8Array>;
  readonly #mostBytes: number;
  readonly #tasks = new Map<Manager, PilotTask[]>();

  constructor(ports: Ports, code: ReadonlyMap<number, Uint8Array>, mostBytes: number) {
    this.#ports = ports;
    this.#code = code;
    this.#mostBytes = Math.min(MOST_BYTES, mostBytes);
  }

  add(manager: Manager, task: PilotTask): void {
    const tasks = this.#tasks.get(manager);
    if (tasks === undefined) this.#tasks.set(manager, [task]);
    else tasks.push(task);
  }

  send(): void {
    if (this.#tasks.size === 0) return;
    for (const [manager, tasks] of this.#tasks) {
      for (const { code } of tasks) if (!manager.codes.has(code)) this.#sendCode(manager, code);
      this.split(tasks, (some) => this.#ports.toManager(manager.id, { kind: 'tasks', tasks: some }));
    }
    this.#tasks.clear();
  }

  /** Items in parts that are not too large for a message. */
  split<T extends { readonly parts: readonly Uint8Array[] }>(items: T[], send: (some: T[]) => void): void {
    let from = 0;
    let bytes = 0;
    for (let index = 0; index < items.length; index++) {
      let size = 0;
      for (const { byteLength } of (items[index] as T).parts) size += byteLength;
      if (index > from && (index - from === MOST_ITEMS || bytes + size > this.#mostBytes)) {
        send(items.slice(from, index));
        from = index;
        bytes = 0;
      }
      bytes += size;
    }
    send(from === 0 ? items : items.slice(from));
  }

  #sendCode(manager: Manager, code: number): void {
    const bytes = this.#code.get(code);
    if (bytes === undefined) return;
    manager.codes.add(code);
    this.#ports.toManager(manager.id, { kind: 'code', code, bytes });
  }
}
