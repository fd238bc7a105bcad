import { encodeError } from '../../wire/error-codec.js';
import type { MpiLauncher, MpiSpec } from '../../wire/pilot/mpi.js';
import type { PilotResult, PilotTask } from '../../wire/pilot/pilot-task.js';
import { mpiEnvironment } from './mpi-prefix.js';
import { type NodeGrant, NodeScheduler } from './node-scheduler.js';

/** Where tasks go once they have their nodes, with the environment that says which. */
export interface NodeGateParts {
  readonly launcher: MpiLauncher;
  /** Names of the nodes of this block. */
  readonly nodes: readonly string[];
  admit(tasks: readonly PilotTask[], environments: ReadonlyMap<number, Readonly<Record<string, string>>>): void;
  /** What can never run here. */
  refuse(results: readonly PilotResult[]): void;
}

/** Holds MPI tasks back until the nodes they need are theirs alone, and takes the nodes back when they have ended. */
export class NodeGate {
  readonly #parts: NodeGateParts;
  readonly #scheduler: NodeScheduler;
  readonly #waiting = new Map<number, PilotTask>();
  readonly #admitted = new Set<number>();

  constructor(parts: NodeGateParts) {
    this.#parts = parts;
    this.#scheduler = new NodeScheduler(parts.nodes);
  }

  /** Tasks that wait for nodes. */
  get waiting(): readonly number[] {
    return [...this.#waiting.keys()];
  }

  add(tasks: readonly PilotTask[]): void {
    for (const task of tasks) {
      const { key, priority } = task;
      this.#waiting.set(key, task);
      try {
        this.#admit(this.#scheduler.request({ key, nodes: specOf(task).nodes, priority }));
      } catch (error) {
        this.#waiting.delete(key);
        this.#parts.refuse([{ key, kind: 'failure', parts: [encodeError(error, { app: '' })] }]);
      }
    }
  }

  /** They are not wanted any more; those that run keep their nodes until they have ended. */
  cancel(keys: readonly number[]): void {
    for (const key of keys) if (this.#waiting.delete(key)) this.#admit(this.#scheduler.release(key));
  }

  /** Takes the nodes back of tasks that are over, however they ended. */
  sweep(isThere: (key: number) => boolean): void {
    for (const key of this.#admitted) {
      if (isThere(key)) continue;
      this.#admitted.delete(key);
      this.#admit(this.#scheduler.release(key));
    }
  }

  /** Gives back those that wait. */
  takeWaiting(): readonly PilotTask[] {
    const tasks = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { key } of tasks) this.#scheduler.release(key);
    return tasks;
  }

  #admit(grants: readonly NodeGrant[]): void {
    for (const { key, nodes } of grants) {
      const task = this.#waiting.get(key);
      if (task === undefined) continue;
      this.#waiting.delete(key);
      this.#admitted.add(key);
      const environment = mpiEnvironment(specOf(task), nodes, this.#parts.launcher);
      this.#parts.admit([task], new Map([[key, environment]]));
    }
  }
}

// The executor has filled in what the user left out.
function specOf({ needs }: PilotTask): MpiSpec {
  const { nodes = 1, ranks = 1, ranksPerNode = 1, launcherOptions = '' } = needs ?? {};
  return { nodes, ranks, ranksPerNode, launcherOptions };
}
