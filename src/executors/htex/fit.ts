import { SluiceError } from '../../errors.js';
import type { ExecutionProvider } from '../../providers/provider.js';
import type { ManagerInfo } from '../../wire/pilot/messages.js';
import type { TaskNeeds } from '../../wire/pilot/pilot-task.js';
import { slotsFor } from '../../wire/pilot/slots.js';
import type { Resources, TaskEnvelope } from '../../wire/task-envelope.js';
import { needsOf } from './attempt-table.js';

/** What a node has, as far as a provider says so or managers have shown. */
interface NodeSize {
  readonly cores: number;
  readonly memoryMiB: number;
  readonly accelerators: number;
}

/** Knows what tasks may ask for: what no block has is refused when it is submitted, and not left to wait for ever. */
export class Fit {
  readonly #label: string;
  readonly #provider: ExecutionProvider;
  readonly #drainBeforeEndMs: number;
  #seen: readonly ManagerInfo[] = [];

  constructor(label: string, provider: ExecutionProvider, drainBeforeEndMs: number) {
    this.#label = label;
    this.#provider = provider;
    this.#drainBeforeEndMs = drainBeforeEndMs;
  }

  /** Managers that are here now: the last ones are remembered when all have gone. */
  see(managers: readonly ManagerInfo[]): void {
    if (managers.length > 0) this.#seen = managers;
  }

  /** Slots a task will take. @throws {SluiceError} `RESOURCES_NOT_HONOURED`, naming the key, what is asked for and what there is */
  slotsOf(envelope: TaskEnvelope): number {
    const needs = needsOf(envelope);
    if (needs === undefined) return 1;
    this.#refuseLongWalltime(envelope, needs);
    this.#refuseMoreThanNode(envelope, needs);
    const [first, ...others] = this.#seen.map(({ share }) => slotsFor(needs, share));
    return first === undefined ? 1 : Math.min(first, ...others);
  }

  #refuseLongWalltime({ taskId, app }: TaskEnvelope, { walltimeMs = 0 }: TaskNeeds): void {
    const { walltimeMs: limitMs = Number.POSITIVE_INFINITY, name } = this.#provider;
    const usableMs = limitMs - this.#drainBeforeEndMs;
    if (walltimeMs <= usableMs) return;
    throw new SluiceError(
      'RESOURCES_NOT_HONOURED',
      `task ${taskId} '${app.name}' may run for ${walltimeMs} ms (walltimeMs), but blocks of executor '${this.#label}' have ${usableMs} ms for tasks: raise the walltimeMs of its provider '${name}'`,
    );
  }

  #refuseMoreThanNode({ taskId, app }: TaskEnvelope, needs: TaskNeeds): void {
    const largest = this.#largestNode();
    for (const key of ['cores', 'memoryMiB', 'accelerators'] as const) {
      const [needed = 0, available] = [needs[key], largest[key]];
      if (needed <= available) continue;
      throw new SluiceError(
        'RESOURCES_NOT_HONOURED',
        `task ${taskId} '${app.name}' asks for ${needed} ${key}, but the largest node of executor '${this.#label}' has ${available}`,
      );
    }
  }

  // What the provider says counts; else what was seen; else anything may come.
  #largestNode(): NodeSize {
    const { coresPerNode, memoryMiBPerNode } = this.#provider;
    const seen = (key: keyof NodeSize & keyof Resources): number => {
      if (this.#seen.length === 0) return Number.POSITIVE_INFINITY;
      return Math.max(...this.#seen.map((manager) => manager[key]));
    };
    return {
      cores: coresPerNode ?? seen('cores'),
      memoryMiB: memoryMiBPerNode ?? seen('memoryMiB'),
      accelerators: seen('accelerators'),
    };
  }
}
